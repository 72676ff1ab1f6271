import { join } from "node:path";
import type { JsonObject } from "@kheish/contract";
import { describe, expect, onTestFinished, test } from "vitest";
import { hostileHttp } from "./hostile-server.ts";
import { type McpControl, SAY, useMcp } from "./support.ts";

const serve = useMcp();
const hostile = (mode: string) => ({
  command: process.execPath,
  args: [join(import.meta.dirname, "hostile-server.ts"), mode],
});

async function with_(config: JsonObject): Promise<McpControl> {
  const control = await serve();
  const added = await control.add("h", config);
  expect(added.status, JSON.stringify(added.body)).toBe(200);
  return control;
}

/** What a run was told that called its tool. */
async function told(control: McpControl): Promise<string> {
  const session = await control.session();
  const run = await control.play(session, [control.callOf("mcp__h__go"), SAY]);
  return JSON.stringify(await control.result(run));
}

describe("03, Limits: a server whose answers are made to wear the daemon out", () => {
  test.each(["deep-answer", "deep-noise"])(
    "%s: it is ended before anything takes minutes over it",
    async (mode) => {
      const control = await with_(hostile(mode));
      expect(await told(control)).toContain("outcome unknown");
      await control.serverIs("h", ({ connected }) => connected);
    },
  );

  test("deep-list: nor does it come in by what it lists", async () => {
    const control = await serve();
    const { status, body } = await control.add("h", hostile("deep-list"));
    expect([status, (body as { code?: string }).code]).toEqual([400, "mcp_server_unreachable"]);
  });

  test.each(["many-tools", "large-pages"])(
    "%s: what it lists ends where no model could follow",
    async (mode) => {
      const control = await with_(hostile(mode));
      const { tools, error } = await control.server("h");
      expect(tools).toEqual([]);
      expect(error).toContain("lists more than 2000 tools");
    },
  );

  test.each(["endless-event", "deep-event", "deep-body"] as const)(
    "over HTTP, %s: it is not read to its end",
    async (mode) => {
      const { url, stop } = await hostileHttp(mode);
      onTestFinished(stop);
      const control = await with_({ url });
      expect(await told(control)).toContain("outcome unknown");
    },
  );
});

describe("03, MCP client: a server that asks people for what it should not", () => {
  test.each(["many-fields", "large-form", "script", "file"])(
    "%s: nobody is asked, and it is told so",
    async (mode) => {
      const control = await with_(hostile(mode));
      expect(await told(control)).toContain('{\\"action\\":\\"cancel\\"}');
      expect((await control.call("GET", "/v1/questions")).body).toEqual([]);
    },
  );

  test("what a description hides from people is not told to models", async () => {
    const control = await with_(hostile("hidden"));
    const { tools } = await control.server("h");
    expect(JSON.stringify(tools)).not.toMatch(/[\u{e0000}-\u{e0fff}\u200b\u202e]/u);
  });
});
