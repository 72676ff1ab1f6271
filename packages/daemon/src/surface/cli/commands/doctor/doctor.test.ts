import { describe, expect, it } from "vitest";
import {
  events,
  type FakeDaemon,
  fakeDaemon,
  frame,
  inTurn,
  json,
  plain,
  problem,
} from "../../testing/fake-daemon.ts";
import { type CliSetup, kheish } from "../../testing/run-cli.ts";
import { runView, sessionSummary, sessionView, statusView } from "../../testing/samples.ts";

function doctor(daemon: FakeDaemon, argv: readonly string[] = [], setup?: CliSetup) {
  return kheish(["--base-url", daemon.baseUrl, "doctor", ...argv], setup);
}

function healthyDaemon() {
  return fakeDaemon({
    "GET /v1/status": json(statusView()),
    "GET /readyz": plain("ready\n"),
    "GET /v1/events/stream": events([frame("heartbeat", {})]),
    "OPTIONS /v1/status": (request, response) => {
      const { origin = "" } = request.headers;
      const allowed = origin.startsWith("http://localhost") ? { "access-control-allow-origin": origin } : {};
      response.writeHead(204, allowed).end();
    },
  });
}

describe("doctor", () => {
  it("finds nothing wrong with a healthy daemon", async () => {
    const { code, stdout, stderr } = await doctor(await healthyDaemon());
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      status: { process_id: 42 },
      session_count: 2,
      pending_approvals: 1,
      pending_questions: 0,
      readyz_reachable: true,
      events_stream_reachable: true,
      checks: [{ code: "status_reachable" }, { code: "readyz_reachable" }, { code: "events_reachable" }],
      warnings: [],
      errors: [],
    });
  });

  it("reports what it could not reach, and ends with 1", async () => {
    const daemon = await healthyDaemon();
    daemon.on("GET /v1/status", problem(401, "missing_token", "no token"));
    daemon.on("GET /readyz", problem(503, "daemon_draining", "draining"));
    const { code, stdout, stderr } = await doctor(daemon);
    expect(code).toBe(1);
    expect(stderr).toBe("Error: the doctor found 2 problems\n");
    const report: unknown = JSON.parse(stdout);
    expect(report).not.toHaveProperty("status");
    expect(report).toMatchObject({
      ok: false,
      status_error: "daemon returned 401 (missing_token): no token",
      readyz_reachable: false,
      events_stream_reachable: true,
      errors: [expect.stringContaining("401"), expect.stringContaining("503")],
    });
  });

  it("passes on what the daemon warns of, which is no error", async () => {
    const warning = { severity: "warning" as const, code: "queued_run_lag", message: "slow", action: "look" };
    const daemon = await healthyDaemon();
    const health = { generated_at_ms: 1, ok: false, warnings: [warning] };
    daemon.on("GET /v1/status", json(statusView({ health })));
    const piped = await doctor(daemon);
    expect(piped.code).toBe(0);
    expect(JSON.parse(piped.stdout)).toMatchObject({ ok: true, warnings: ["slow"] });
    const shown = await doctor(daemon, [], { columns: 80, env: { NO_COLOR: "1" } });
    expect(shown.stdout.split("\n")).toEqual([
      "ok  status: the daemon answers",
      "warning  health: slow",
      "    look",
      "ok  readyz: the daemon is ready",
      "ok  events_stream: events arrive",
      "",
      "2 sessions; waiting: 1 approval, 0 questions",
      "",
    ]);
  });

  it.each([
    ["http://localhost:3000", 0],
    ["https://example.org", 1],
  ])("asks as a browser whether %s may call the daemon", async (origin, code) => {
    const daemon = await healthyDaemon();
    const { code: ended, stdout } = await doctor(daemon, ["--cors-origin", origin]);
    expect(ended).toBe(code);
    // A page of another machine is named with another flag, which the daemon insists on.
    if (code === 1)
      expect(JSON.parse(stdout).checks.at(-1).action).toBe(
        `start the daemon with --http-cors-allow-hosted-origin ${origin}`,
      );
    const preflight = daemon.requests.find(({ method }) => method === "OPTIONS");
    expect(preflight?.headers).toMatchObject({ origin, "access-control-request-method": "GET" });
  });
});

describe("doctor routes", () => {
  it("reports the readiness of the routes", async () => {
    const daemon = await healthyDaemon();
    const { code, stdout } = await doctor(daemon, ["routes"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, routes: [{ route_id: "simulator", state: "ok" }] });
    expect(await doctor(daemon, ["routes", "--route", "nope"])).toMatchObject({ code: 1 });
  });

  it("finds sessions and runs that name a route which is gone", async () => {
    const daemon = await healthyDaemon();
    const request = { ...runView().request, provider: "gone" };
    daemon.on(
      "GET /v1/sessions",
      json([sessionSummary({ route_policy: { provider: "gone" } }), sessionSummary()]),
    );
    daemon.on("GET /v1/runs", json([runView({ request }), runView({ status: "completed", request })]));
    const { code, stdout } = await doctor(daemon, ["routes", "--check-references"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      diagnostics: [
        { ok: true },
        { code: "stale_session_route_policy", related_id: "s1" },
        { code: "stale_run_route", related_id: "run-1" },
      ],
    });
  });

  it("sends a canary through each route", async () => {
    const answer = { session_id: "c1", content: "KHEISH_ROUTE_CANARY_OK", address: null };
    const daemon = await healthyDaemon();
    daemon.on("POST /v1/sessions", json(sessionView({ session_id: "c1" }), 201));
    daemon.on("POST /v1/sessions/c1/runs", json(runView(), 202));
    daemon.on(
      "GET /v1/runs/run-1",
      inTurn(json(runView()), json(runView({ status: "completed", outputs: [answer] }))),
    );
    daemon.on("POST /v1/sessions/c1/end", json(sessionView({ session_id: "c1" })));
    const { code, stdout } = await doctor(daemon, ["routes", "--canary"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      canary: [{ route_id: "simulator", state: "passed", session_id: "c1", run_id: "run-1" }],
    });
    expect(daemon.requests.at(-1)?.url).toBe("/v1/sessions/c1/end");
  });

  it("cancels a canary that takes too long", async () => {
    const daemon = await healthyDaemon();
    daemon.on("POST /v1/sessions", json(sessionView({ session_id: "c1" }), 201));
    daemon.on("POST /v1/sessions/c1/runs", json(runView(), 202));
    daemon.on("GET /v1/runs/run-1", json(runView()));
    daemon.on("POST /v1/runs/run-1/cancel", json(runView({ status: "cancelled" })));
    daemon.on("POST /v1/sessions/c1/end", json(sessionView({ session_id: "c1" })));
    const { code, stdout } = await doctor(daemon, ["routes", "--canary", "--canary-timeout-ms", "600"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, canary: [{ state: "timeout" }] });
  });
});
