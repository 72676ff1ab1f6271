import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StartError } from "../../src/main.ts";
import { WireDouble } from "../../src/model/testing/wire-double.ts";
import { type RouteControl, useServed } from "./control.ts";

const serve = useServed();
const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const KEY = "key-of-a-route-added-at-run-time-001";
const MASTER = { KHEISH_AUTH_STORE_MASTER_KEY: "0123456789abcdef0123456789abcdef" };
const lab = () => ({
  route_id: "lab",
  provider: "openai_compatible",
  model: "m",
  base_url: `${wire.url}/v1`,
});
const slot = {
  slot_id: "team.lab",
  provider: "open_ai",
  mode: "api_key",
  state: { kind: "api_key", api_key: KEY },
};
const ANSWER = {
  events: [{ id: "c", choices: [{ index: 0, delta: { content: "hi" }, finish_reason: "stop" }] }],
};

async function slotsOf(control: RouteControl): Promise<string[]> {
  const { body } = await control.call<{ slot_id: string }[]>("GET", "/v1/runtime/secrets");
  return body.map(({ slot_id }) => slot_id);
}

describe("the key of a route added at run time", () => {
  test("02-R38 02, weakness 3: goes to a slot of its own, and from there to each call under a lease", async () => {
    const control = await serve({ env: MASTER });
    const added = await control.add({ ...lab(), api_key: KEY });
    expect(added).toMatchObject({ status: 200, body: { route_id: "lab" } });
    expect(await slotsOf(control)).toEqual(["routes.lab.api_key"]);
    wire.plan(ANSWER);
    expect(await control.plays("s", "hello")).toMatchObject({
      status: "completed",
      outputs: [{ content: "hi" }],
    });
    expect(wire.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);

    await control.daemon.restart();
    wire.plan(ANSWER);
    expect(await control.plays("s", "hello")).toMatchObject({ status: "completed" });

    expect(JSON.stringify([added.body, await control.list()])).not.toContain(KEY);
    const state = join(control.daemon.directory, "state");
    for (const file of await readdir(state, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      expect(await readFile(join(file.parentPath, file.name), "latin1")).not.toContain(KEY);
    }
  });

  test("02-R38 goes with the route", async () => {
    const control = await serve({ env: MASTER });
    await control.add({ ...lab(), api_key: KEY });
    await control.remove("lab");
    expect(await slotsOf(control)).toEqual([]);
  });

  test("02-R38 without a master key there is no such route, and nothing is half-done", async () => {
    const control = await serve();
    const { status, body } = await control.add({ ...lab(), api_key: KEY });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(body)).not.toContain(KEY);
    expect(await control.ids()).toEqual(["simulator"]);
  });

  test("02-R38 of two with one name, the second does not touch the key of the first", async () => {
    const control = await serve({ env: MASTER });
    await control.add({ ...lab(), api_key: KEY });
    expect(await control.add({ ...lab(), api_key: "another-key-0000000001" })).toMatchObject({ status: 409 });
    wire.plan(ANSWER);
    await control.plays("s", "hello");
    expect(wire.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test("02, weakness 3: may stand in a slot that exists, which outlives the route", async () => {
    const control = await serve({ env: MASTER });
    await control.call("POST", "/v1/runtime/secrets", slot);
    expect(await control.add({ ...lab(), auth_ref: "team.lab" })).toMatchObject({ status: 200 });
    expect((await control.list()).routes.find(({ route_id }) => route_id === "lab")).toMatchObject({
      auth_ref: "team.lab",
    });
    wire.plan(ANSWER);
    expect(await control.plays("s", "hello")).toMatchObject({ status: "completed" });
    expect(wire.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    await control.remove("lab");
    expect(await slotsOf(control)).toEqual(["team.lab"]);
  });

  test("kheish runtime routes add takes it from a file, never from its arguments", async () => {
    const control = await serve({ env: MASTER });
    await writeFile(join(control.daemon.directory, "key"), `${KEY}\n`);
    const flags = ["--provider", "openai_compatible", "--model", "m", "--api-base-url", `${wire.url}/v1`];
    const done = await control.cli("runtime", "routes", "add", "lab", ...flags, "--api-key-from-file", "key");
    expect(done).toMatchObject({ code: 0, stderr: "" });
    wire.plan(ANSWER);
    await control.plays("s", "hello");
    expect(wire.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });
});

describe("an auth_ref of the routes file", () => {
  const file = (ref: string) =>
    `default_route = "sim"\n[routes.sim]\ndriver = "simulator"\n[routes.lab]\ndriver = "openai_compatible"\ndefault_model = "m"\nbase_url = "${wire.url}/v1"\nauth_ref = "${ref}"`;

  test("02-R25 that names no slot keeps a daemon from starting, unless routes may come later", async () => {
    await expect(serve({ env: MASTER, routes: file("team.lab") })).rejects.toThrow(StartError);
    const control = await serve({ env: MASTER, routes: file("team.lab"), allowEmptyRoutes: true });
    expect((await control.list()).routes[1]).toMatchObject({ route_id: "lab", code: "auth_slot_missing" });
  });

  test("02-R25 that names no slot is refused by a reload too, and by the doctor before it", async () => {
    const control = await serve({ env: MASTER, routes: file("x").split("[routes.lab]")[0] ?? "" });
    await control.writeRoutes(file("team.lab"));
    expect(await control.reload()).toMatchObject({ status: 400, body: { code: "routes_file_invalid" } });
    const doctor = () => control.cli("doctor", "routes", "--routes-file", "routes.toml", "--check-auth");
    expect(await doctor()).toMatchObject({ code: 1, stdout: expect.stringContaining("auth_slot_missing") });
    await control.call("POST", "/v1/runtime/secrets", slot);
    expect(await doctor()).toMatchObject({ code: 0, stdout: expect.stringContaining("slot team.lab") });
    expect(await control.reload()).toMatchObject({ status: 200, body: { added: ["lab"] } });
  });
});
