import { describe, expect, test } from "vitest";
import { kheish } from "../../src/surface/cli/testing/run-cli.ts";
import { type RouteControl, useServed } from "./control.ts";

const serve = useServed();
const simulator = (id: string) => `[routes.${id}]\ndriver = "simulator"\n`;
const keyed = (id: string) =>
  `[routes.${id}]\ndriver = "openai"\ndefault_model = "gpt-5.4"\napi_key_env = "A_KEY_THAT_IS_NOT_SET"\n`;
const FILE = `default_route = "a"\n${simulator("a")}${simulator("b")}`;

async function doctor(control: RouteControl, ...flags: string[]) {
  const { code, stdout, stderr } = await control.cli("doctor", "routes", ...flags);
  return { code, stderr, report: stdout === "" ? undefined : JSON.parse(stdout) };
}

describe("doctor routes of a running daemon", () => {
  test("02-R46 a canary goes through each route, in a session of its own that is ended afterwards", async () => {
    const control = await serve({ routes: FILE });
    const { code, report } = await doctor(control, "--canary");
    expect({ code, report }).toMatchObject({
      code: 0,
      report: {
        ok: true,
        canary: [
          { route_id: "a", state: "passed", session_id: expect.any(String), run_id: "run-1" },
          { route_id: "b", state: "passed", session_id: expect.any(String), run_id: "run-2" },
        ],
      },
    });
    const { body } = await control.call("GET", `/v1/sessions/${report.canary[1].session_id}`);
    expect(body).toMatchObject({ ended_reason: "route canary" });
    const run = await control.call("GET", "/v1/runs/run-2");
    expect(run.body).toMatchObject({ status: "completed", request: { provider: "b" } });
  });

  test("02-R46 a canary through one route, or through the default one", async () => {
    const control = await serve({ routes: FILE });
    expect((await doctor(control, "--canary", "--route", "b")).report.canary).toMatchObject([
      { route_id: "b" },
    ]);
    expect((await doctor(control, "--canary", "--default-route")).report.canary).toMatchObject([
      { route_id: "a" },
    ]);
  });

  test("02-R46 a canary that cannot fly is a failed row, and the exit code says so", async () => {
    const control = await serve({ routes: `default_route = "a"\n${simulator("a")}${keyed("b")}` });
    const { code, report } = await doctor(control, "--canary", "--route", "b");
    expect({ code, report }).toMatchObject({
      code: 1,
      report: {
        ok: false,
        canary: [
          { route_id: "b", state: "failed", message: expect.stringContaining("A_KEY_THAT_IS_NOT_SET") },
        ],
      },
    });
  });

  test("02-R40 --check-auth tells where each credential comes from", async () => {
    const control = await serve({ routes: `default_route = "a"\n${simulator("a")}${keyed("b")}` });
    const { code, report } = await doctor(control, "--check-auth");
    expect(code).toBe(1);
    expect(report.diagnostics.filter(({ name }: { name: string }) => name === "auth")).toMatchObject([
      { code: "route_auth_usable", ok: true, related_id: "a" },
      { code: "route_key_missing", ok: false, related_id: "b" },
    ]);
  });

  test("02-R39 a file that has changed since it was loaded is a warning", async () => {
    const control = await serve({ routes: FILE });
    expect((await doctor(control)).report.diagnostics).not.toContainEqual(
      expect.objectContaining({ code: "route_file_drift" }),
    );
    await control.writeRoutes(`${FILE}# a word\n`);
    const { code, report } = await doctor(control);
    expect(code).toBe(0);
    expect(report.diagnostics).toContainEqual(
      expect.objectContaining({ code: "route_file_drift", severity: "warning", ok: false }),
    );
  });

  test("02-R37 --check-references names who still names a route that is gone", async () => {
    const control = await serve({ routes: FILE });
    const ask = { simulate: [{ tool_calls: [{ name: "bash", input: { command: "true" } }] }] };
    const { body } = await control.submit("s", JSON.stringify(ask), { provider: "b" });
    await control.reaches(body.run_id, "waiting_for_approval");
    await control.call("PUT", "/v1/sessions/s/route-policy", { route_policy: { provider: "b" } });
    expect((await doctor(control, "--check-references")).code).toBe(0);

    await control.writeRoutes(simulator("a"));
    const before = await doctor(control, "--check-references", "--routes-file", "routes.toml");
    await control.reload();
    for (const { code, report } of [before, await doctor(control, "--check-references")]) {
      expect(code).toBe(1);
      expect(report.diagnostics).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ code: "stale_session_route_policy", related_id: "s" }),
          expect.objectContaining({ code: "stale_run_route", related_id: body.run_id }),
        ]),
      );
    }
  });
});

describe("doctor routes of a file", () => {
  test("02-R39 says whether the daemon has loaded it", async () => {
    const control = await serve({ routes: FILE });
    const { report } = await doctor(control, "--routes-file", "routes.toml");
    expect(report).toMatchObject({
      ok: true,
      routes: [{ route_id: "a", active: true }, { route_id: "b" }],
    });
    expect(report.diagnostics).not.toContainEqual(expect.objectContaining({ code: "route_file_drift" }));
    await control.writeRoutes(`${FILE}# a word\n`);
    expect((await doctor(control, "--routes-file", "routes.toml")).report.diagnostics).toContainEqual(
      expect.objectContaining({ code: "route_file_drift" }),
    );
  });

  /** Without a daemon: nobody listens there. */
  async function offline(text: string, ...flags: string[]) {
    const control = await serve();
    await control.writeRoutes(text);
    const argv = ["--base-url", "http://127.0.0.1:1", "doctor", "routes", "--routes-file", "routes.toml"];
    return kheish([...argv, ...flags], { workingDirectory: control.daemon.directory });
  }

  test("02-R18 finds the mistake that would keep a daemon from starting, and needs no daemon for it", async () => {
    const { code, stdout } = await offline('[routes.a]\ndriver = "openai"\ndefault_model = "m"\ncolour = 1');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      diagnostics: [{ code: "routes_file_invalid", message: expect.stringContaining("routes.a.colour") }],
    });
  });

  test("02-R26 looks for keys only when it is asked to", async () => {
    expect(await offline(keyed("a"))).toMatchObject({ code: 0 });
    const { code, stdout } = await offline(keyed("a"), "--check-auth");
    expect(code).toBe(1);
    expect(stdout).toContain("A_KEY_THAT_IS_NOT_SET is not set");
  });

  test("02-R37 references are known to a daemon only", async () => {
    const { code, stdout } = await offline(simulator("a"), "--check-references");
    expect(code).toBe(1);
    expect(JSON.parse(stdout).diagnostics).toContainEqual(
      expect.objectContaining({ code: "route_reference_check_requires_runtime" }),
    );
  });

  test("02-R46 no canary flies through a file", async () => {
    expect(await offline(simulator("a"), "--canary")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("does not go with --routes-file"),
    });
  });
});
