import { describe, expect, test } from "vitest";
import { nodeServer, useMcp } from "./support.ts";

const serve = useMcp();

describe("a server from npm over stdio", () => {
  test("03-R59 03-R67: is added, used by a run, and removed", async () => {
    const control = await serve();
    const added = await control.add("every.thing", nodeServer("everything"));
    expect(added.status, JSON.stringify(added.body)).toBe(200);
    const session = await control.session();
    const output = await control.called(session, "mcp__every_thing__echo", { message: "hello" });
    console.log(JSON.stringify(output));
    for (const [name, input] of [
      ["get-tiny-image", {}],
      ["get-structured-content", { location: "Chicago" }],
      ["get-sum", { a: 1, b: null }],
      ["get-env", {}],
      ["gzip-file-as-resource", { name: "x", data: "data:text/plain,hello", outputType: "resource" }],
      ["simulate-research-query", { topic: "x" }],
    ]) {
      console.log(
        name,
        JSON.stringify(await control.called(session, "mcp__every_thing__" + name, input as never)).slice(
          0,
          900,
        ),
      );
    }
    for (const n of ["list_mcp_resources", "list_mcp_resource_templates", "list_mcp_prompts"])
      console.log(n, JSON.stringify(await control.called(session, n)).slice(0, 600));
    console.log(
      JSON.stringify(
        await control.called(session, "get_mcp_prompt", { server: "every.thing", name: "simple-prompt" }),
      ).slice(0, 600),
    );
  });
});
