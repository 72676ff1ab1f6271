import { describe, expect, test } from "vitest";
import { createModels, loadRoutes } from "../../src/model/index.ts";
import { memoryBlobs } from "../../src/model/testing/kit.ts";
import { useRigs } from "../support/fixture.ts";
import type { Rig } from "../support/rig.ts";
import { until } from "../support/wait.ts";
import { useServed } from "./control.ts";

const serve = useServed();
const createRig = useRigs();
const EMPTY = { noSimulator: true, allowEmptyRoutes: true };
const SIM = { provider: "simulator", model: "script" };
const LOCAL = {
  route_id: "local",
  provider: "openai_compatible",
  model: "qwen3",
  base_url: "http://127.0.0.1:9/v1",
  unauthenticated: true,
};

describe("a daemon without routes", () => {
  test("02-R38 refuses a run with words, until a route is added, which is the default then", async () => {
    const control = await serve(EMPTY);
    expect((await control.call("GET", "/v1/runtime")).body).toMatchObject({ provider: null, model: null });
    expect(await control.submit("s", "hello")).toMatchObject({
      status: 400,
      body: { code: "route_not_ready", detail: expect.stringContaining("runtime routes add") },
    });
    expect((await control.call("GET", "/v1/runs")).body).toEqual([]);

    const added = await control.add({ route_id: "first", ...SIM });
    expect(added).toMatchObject({ status: 200, body: { route_id: "first", provider: "simulator" } });
    expect(await control.plays("s", "hello")).toMatchObject({
      status: "completed",
      request: { provider: "first" },
      outputs: [{ content: "hello" }],
    });
  });

  test("02-R38 remembers what was added through a restart, in the order it came", async () => {
    const control = await serve(EMPTY);
    for (const route_id of ["first", "second", "third"]) await control.add({ route_id, ...SIM });
    await control.daemon.restart();
    expect(await control.ids()).toEqual(["first", "second", "third"]);
  });

  test("02-R38 loses its default: the first that is left is it, or none", async () => {
    const control = await serve(EMPTY);
    for (const route_id of ["first", "second"]) await control.add({ route_id, ...SIM });
    expect((await control.remove("first")).body).toMatchObject({ route_id: "second" });
    const { body } = await control.remove("second");
    expect(body).toMatchObject({ provider: null });
    expect(body).not.toHaveProperty("routes");
  });
});

describe("a route added at run time", () => {
  test("02, weakness 3: takes what the routes file takes, and is shown with it", async () => {
    const control = await serve();
    const more = {
      multimodal_input: true,
      timeout_ms: 5_000,
      model_support: "any",
      reason: "a box of our own",
    };
    expect((await control.add({ ...LOCAL, ...more })).status).toBe(200);
    const [first] = (await control.list()).routes;
    expect(first).toMatchObject({
      route_id: "local",
      origin: "overlay",
      active: true,
      base_url: LOCAL.base_url,
      timeout_ms: 5_000,
      inactivity_timeout_ms: 120_000,
      code: "route_ready",
      capabilities: { multimodal_input: true, native_web_search: false },
    });
  });

  test("02-R38 the simulator that comes for free makes room for it as the default", async () => {
    const control = await serve();
    expect(await control.ids()).toEqual(["simulator"]);
    await control.add(LOCAL);
    expect(await control.ids()).toEqual(["local", "simulator"]);
  });

  test.each([
    [{ ...LOCAL, route_id: "a/b" }, "A route id must not be empty"],
    [
      { ...LOCAL, base_url: "http://user:pw@host/v1" },
      "routes.local.base_url must not hold user or password",
    ],
    [{ ...LOCAL, base_url: undefined }, "routes.local.base_url is required"],
    [{ ...LOCAL, provider: "acme" }, "routes.local.driver"],
    [{ ...LOCAL, transcription: true }, "routes.local.transcription is not something"],
    [{ ...LOCAL, timeout_ms: 0 }, "routes.local.timeout_ms"],
    [
      { ...LOCAL, unauthenticated: undefined, provider: "gemini", model: "gemini-2.5-flash" },
      "names no API key",
    ],
    [{ ...LOCAL, unauthenticated: undefined, provider: "grok", model: "grok-4" }, "driver called 'xai'"],
    [{ ...LOCAL, api_key: "sk-secret-1", auth_ref: "slot" }, "not both"],
  ])("02-R38 %# is refused by the rules of the routes file, and nothing is kept", async (route, detail) => {
    const control = await serve();
    const { status, body } = await control.add(route);
    expect({ status, body }).toMatchObject({ status: 400, body: { code: "runtime_validation_failed" } });
    const said = JSON.stringify(body);
    expect(said).toContain(detail === "driver called 'xai'" ? "only a route called 'xai'" : detail);
    expect(said).not.toContain("sk-secret-1");
    expect(await control.list()).toMatchObject({ revision: 0, routes: [{ route_id: "simulator" }] });
  });

  test("02-R38 an id that exists is refused, wherever it comes from", async () => {
    const control = await serve();
    await control.add(LOCAL);
    for (const route_id of ["local", "simulator"]) {
      expect(await control.add({ ...LOCAL, route_id })).toMatchObject({
        status: 409,
        body: { code: "route_already_exists" },
      });
    }
  });

  test("02, weakness 3: changes are guarded by a revision and told with their actor and reason", async () => {
    const control = await serve();
    expect((await control.add({ ...LOCAL, expected_revision: 0 })).status).toBe(200);
    const late = { ...LOCAL, route_id: "late", expected_revision: 0 };
    expect(await control.add(late)).toMatchObject({
      status: 409,
      body: { code: "runtime_revision_conflict" },
    });
    expect(await control.remove("local", "?expected_revision=7")).toMatchObject({ status: 409 });
    expect(await control.remove("local", "?expected_revision=1&reason=gone")).toMatchObject({ status: 200 });
    expect(await control.list()).toMatchObject({ revision: 2 });
  });

  test("02-R38 only what was added can be removed", async () => {
    const control = await serve();
    expect(await control.remove("simulator")).toMatchObject({
      status: 409,
      body: { code: "route_not_removable" },
    });
    expect(await control.remove("nope")).toMatchObject({ status: 404, body: { code: "route_unknown" } });
  });

  test("02-R37 a run that is pinned to a removed route fails, and drifts to no other", async () => {
    const control = await serve();
    await control.add({ route_id: "mine", ...SIM });
    const turns = [{ tool_calls: [{ name: "bash", input: { command: "true" } }] }, { text: "done" }];
    const { body } = await control.submit("s", JSON.stringify({ simulate: turns }));
    const waiting = await control.reaches(body.run_id, "waiting_for_approval");
    await control.remove("mine");
    await control.call("POST", `/v1/runs/${body.run_id}/approvals`, {
      resolutions: [{ request_id: waiting.pending_approval_ids?.[0], behavior: "allow" }],
    });
    expect(await control.reaches(body.run_id, "failed", "completed")).toMatchObject({
      status: "failed",
      request: { provider: "mine" },
      error: expect.stringContaining("route 'mine' (simulator), which no longer exists"),
    });
  });

  test("kheish runtime routes add, list and remove", async () => {
    const control = await serve();
    const flags = ["--provider", "openai_compatible", "--model", "qwen3", "--api-base-url", LOCAL.base_url];
    const added = await control.cli("runtime", "routes", "add", "local", ...flags, "--unauthenticated");
    expect(added).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(added.stdout)).toMatchObject({ route_id: "local" });
    expect(JSON.parse((await control.cli("runtime", "routes", "list")).stdout)).toMatchObject({
      routes: [{ route_id: "local" }, { route_id: "simulator" }],
    });
    expect(await control.cli("runtime", "routes", "remove", "local")).toMatchObject({ code: 0 });
    expect(await control.cli("runtime", "routes", "remove", "local")).toMatchObject({ code: 5 });
    expect(await control.cli("runtime", "routes", "add", "x", ...flags, "--enable", "flight")).toMatchObject({
      stderr: expect.stringContaining("'flight' is no capability"),
    });
  });
});

describe("the overlay in the store", () => {
  const modelsFor = (rig: Rig) =>
    createModels({
      routes: loadRoutes({ env: {} }),
      clock: rig.clock,
      random: { hex: () => "00", unit: () => 0.5 },
      blobs: memoryBlobs({}),
      fetch: () => Promise.reject(new Error("no network")),
    });

  test("02-R38 one daemon's route is every daemon's that shares the store", async () => {
    const rig = await createRig([]);
    const first = await rig.boot({ instanceId: "a", models: modelsFor(rig) });
    const models = modelsFor(rig);
    await rig.boot({ instanceId: "b", models, store: first.store });
    await first.call("addRoute", { body: { route_id: "shared", ...SIM } });
    await until("the other daemon to hear of it", async () => {
      await rig.clock.advance(100);
      return models.routes()[0]?.route_id === "shared";
    });
    const [event] = await first.store.readStream("runtime", {});
    expect(event).toMatchObject({ type: "route_added", data: { route_id: "shared", actor: "test" } });
  });

  test("02-R38 one that cannot be read counts as empty, and is kept aside by the next change", async () => {
    const rig = await createRig([]);
    const daemon = await rig.boot({ models: modelsFor(rig) });
    const data = { routes: "not a list" };
    await daemon.store.commit([{ op: "put", kind: "route_overlay", id: "current", data, keys: {} }]);
    const next = await rig.boot({ models: modelsFor(rig), store: daemon.store });
    expect((await next.call("listRoutes")).json).toMatchObject({ routes: [{ route_id: "simulator" }] });
    await next.call("addRoute", { body: { route_id: "new", ...SIM } });
    expect((await next.call("listRoutes")).json).toMatchObject({ routes: [{ route_id: "new" }, {}] });
    expect(await daemon.store.get("route_overlay", "corrupt-1")).toMatchObject({ data });
  });
});
