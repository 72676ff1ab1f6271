import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WireDouble } from "../../src/model/testing/wire-double.ts";
import { useServed } from "./control.ts";

const serve = useServed();
const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const routes = (...tables: string[]) => `default_route = "a"\n${tables.join("\n")}`;
const simulator = (id: string, more = "") => `[routes.${id}]\ndriver = "simulator"\n${more}`;
const local = (id: string, port: number) =>
  `[routes.${id}]\ndriver = "openai_compatible"\ndefault_model = "m"\nunauthenticated = true\nbase_url = "http://127.0.0.1:${port}/v1"`;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const BEFORE = routes(simulator("a"), simulator("b"), local("c", 1));
const AFTER = routes(simulator("a", 'default_model = "echo"'), local("c", 2), local("d", 1));

describe("the routes file of a running daemon", () => {
  test("02-R39 is what was loaded, whatever the file says since, and the difference is told", async () => {
    const control = await serve({ routes: BEFORE });
    expect(await control.list()).toMatchObject({
      inventory: {
        version: 1,
        source_kind: "routes_file",
        routes_file_path: expect.stringMatching(/routes\.toml$/),
        routes_file_sha256: sha256(BEFORE),
        default_route: "a",
        route_ids: ["a", "b", "c"],
      },
      diagnostics: [],
    });
    await control.writeRoutes(AFTER);
    expect(await control.ids()).toEqual(["a", "b", "c"]);
    expect(await control.list()).toMatchObject({
      diagnostics: [{ severity: "warning", code: "route_file_drift" }],
    });
  });

  test("02, weakness 17: is read again without a restart, which first can be tried", async () => {
    const control = await serve({ routes: BEFORE });
    await control.writeRoutes(AFTER);
    const difference = {
      added: ["d"],
      removed: ["b"],
      changed: [
        { route_id: "a", fields: ["model"] },
        { route_id: "c", fields: ["base_url"] },
      ],
      default_route: { before: "a", after: "a" },
      stranded_run_ids: [],
      inventory: { routes_file_sha256: sha256(AFTER) },
    };
    expect((await control.reload({ dry_run: true })).body).toMatchObject({ applied: false, ...difference });
    expect(await control.ids()).toEqual(["a", "b", "c"]);
    expect((await control.reload()).body).toMatchObject({ applied: true, ...difference });
    expect(await control.list()).toMatchObject({
      routes: [{ route_id: "a", model: "echo" }, { route_id: "c" }, { route_id: "d" }],
      diagnostics: [],
    });
    expect((await control.reload()).body).toMatchObject({ added: [], removed: [], changed: [] });
  });

  test.each([
    ['[routes.a]\napi_key = "sk-secret-1\n', /not valid TOML at line 2, column \d+/],
    [routes(simulator("b")), /The default route 'a' does not exist/],
    [
      routes(simulator("a"), '[routes.c]\ndriver = "openai"\ndefault_model = "gpt-5"\ncolour = "red"'),
      /routes\.c\.colour/,
    ],
  ])("02-R18 a file with a mistake changes nothing (%#)", async (text, message) => {
    const control = await serve({ routes: BEFORE });
    await control.writeRoutes(text);
    const { status, body } = await control.reload();
    expect({ status, body }).toMatchObject({ status: 400, body: { code: "routes_file_invalid" } });
    expect(JSON.stringify(body)).toMatch(message);
    expect(JSON.stringify(body)).not.toContain("sk-secret-1");
    expect(await control.ids()).toEqual(["a", "b", "c"]);
  });

  test("a daemon without a file has nothing to read again", async () => {
    const control = await serve();
    expect(await control.reload()).toMatchObject({ status: 409, body: { code: "routes_file_missing" } });
    expect(await control.list()).toMatchObject({ inventory: { source_kind: "serve_args" } });
  });

  test("02-R15 02-R37 a run keeps its pinned model through a reload, and fails when its route is gone", async () => {
    const control = await serve({ routes: BEFORE });
    const ask = { tool_calls: [{ name: "bash", input: { command: "true" } }] };
    const script = JSON.stringify({ simulate: [ask, { text: "done" }] });
    const begun = await Promise.all(
      ["a", "b"].map(async (provider) => {
        const { body } = await control.submit(`on-${provider}`, script, { provider });
        const { pending_approval_ids } = await control.reaches(body.run_id, "waiting_for_approval");
        return { id: body.run_id, approval: pending_approval_ids?.[0] };
      }),
    );
    await control.writeRoutes(AFTER);
    const [onA, onB] = begun;
    expect((await control.reload()).body).toMatchObject({ stranded_run_ids: [onB?.id] });
    for (const { id, approval } of begun) {
      const resolutions = [{ request_id: approval, behavior: "allow" }];
      await control.call("POST", `/v1/runs/${id}/approvals`, { resolutions });
    }
    expect(await control.reaches(onA?.id ?? "", "completed", "failed")).toMatchObject({
      status: "completed",
      request: { model: "script" },
      outputs: [{ content: "done" }],
    });
    expect(await control.reaches(onB?.id ?? "", "completed", "failed")).toMatchObject({
      status: "failed",
      error: expect.stringContaining("no longer exists"),
    });
    expect(await control.plays("new", "echoed", { provider: "a" })).toMatchObject({
      request: { model: "echo" },
      outputs: [{ content: "echoed" }],
    });
  });

  test("02-A8 a run keeps the chain it was pinned to, whatever the file says since", async () => {
    const chained = (target: string) =>
      routes(`${local("a", wire.port)}\nfallback = ["${target}/echo"]`, simulator("b"), simulator("c"));
    const down = { status: 503, headers: { "retry-after": "0" }, body: { error: { message: "down" } } };
    wire.plan(down, down, down, down);
    const control = await serve({ routes: chained("b") });
    const hold = JSON.stringify({
      simulate: [{ tool_calls: [{ name: "bash", input: { command: "true" } }] }],
    });
    const { body: first } = await control.submit("s", hold, { provider: "b" });
    await control.reaches(first.run_id, "waiting_for_approval");
    const { body: queued } = await control.submit("s", "hello");
    expect(queued).toMatchObject({ status: "queued", route: { fallback: [{ route_id: "b" }] } });
    await control.writeRoutes(chained("c"));
    await control.reload();
    await control.call("POST", `/v1/runs/${first.run_id}/cancel`);
    expect(await control.reaches(queued.run_id, "completed", "failed")).toMatchObject({
      status: "completed",
      fallbacks: [{ to: { route_id: "b" }, error_class: "server_overloaded" }],
    });
  });

  test("02-R38 a route of the file does not take the place of one that was added under its name", async () => {
    const control = await serve({ routes: BEFORE });
    await control.add({ route_id: "d", provider: "simulator", model: "script" });
    await control.writeRoutes(AFTER);
    expect(await control.reload()).toMatchObject({ status: 409, body: { code: "route_already_exists" } });
    await control.remove("d");
    expect(await control.reload()).toMatchObject({ status: 200 });
  });

  test("kheish runtime routes reload", async () => {
    const control = await serve({ routes: BEFORE });
    await control.writeRoutes(AFTER);
    const dry = await control.cli("runtime", "routes", "reload", "--dry-run");
    expect(JSON.parse(dry.stdout)).toMatchObject({ applied: false, added: ["d"] });
    const applied = await control.cli("runtime", "routes", "reload", "--reason", "a new box");
    expect(JSON.parse(applied.stdout)).toMatchObject({ applied: true, removed: ["b"] });
  });
});
