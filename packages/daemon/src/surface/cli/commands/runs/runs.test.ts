import { describe, expect, it } from "vitest";
import { events, fakeDaemon, frame, inTurn, json, plain } from "../../testing/fake-daemon.ts";
import { fastClock, kheish } from "../../testing/run-cli.ts";
import { NOW, runView, waitingRun } from "../../testing/samples.ts";

const GET = "GET /v1/runs/run-1";
const STREAM = "GET /v1/runs/run-1/stream";

describe("runs list", () => {
  it("passes its filters on", async () => {
    const daemon = await fakeDaemon({ "GET /v1/runs": json([]) });
    const filters = [
      "--session-id",
      "s 1",
      "--status",
      "queued,running",
      "--limit",
      "5",
      "--priority-active",
    ];
    await kheish(["runs", "list", ...filters, "--order", "desc", "--base-url", daemon.baseUrl]);
    expect(Object.fromEntries(new URL(daemon.requests[0]?.url ?? "", daemon.baseUrl).searchParams)).toEqual({
      session_id: "s 1",
      status: "queued,running",
      limit: "5",
      priority_active: "true",
      order: "desc",
    });
  });

  it("shows the newest first on a terminal, within its width", async () => {
    const runs = [
      runView({ run_id: "run-12", status: "failed", finished_at_ms: NOW - 100_000 }),
      runView({ request: { ...runView().request, text_preview: `${"long ".repeat(40)}\u001b[31m` } }),
    ];
    const daemon = await fakeDaemon({ "GET /v1/runs": json(runs) });
    const argv = ["runs", "list", "--base-url", daemon.baseUrl];
    const { stdout } = await kheish(argv, { columns: 80, env: { NO_COLOR: "1" } });
    expect(daemon.requests[0]?.url).toBe("/v1/runs?page=true&order=desc");
    expect(stdout.split("\n")).toEqual([
      "RUN     SESSION  STATUS   MODEL             SUBMITTED  TOOK    INPUT",
      "run-12  s1       failed   simulator/script  3m ago     1m 10s  say hello",
      expect.stringMatching(
        /^run-1 {3}s1 {7}running {2}simulator\/script {2}3m ago {5}2m 50s {2}long long.*…$/,
      ),
      "",
    ]);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("says so when there is none", async () => {
    const daemon = await fakeDaemon({ "GET /v1/runs": json([]) });
    const argv = ["runs", "list", "--base-url", daemon.baseUrl];
    expect((await kheish(argv, { columns: 80 })).stdout).toBe("No runs.\n");
    expect((await kheish(argv)).stdout).toBe("[]\n");
  });
});

describe("runs get", () => {
  it("02-A8 shows the chain that a run may go down, then the steps it took, and what it cost", async () => {
    const target = (route_id: string) => ({ route_id, provider: "openai", model: "m" });
    const route = {
      ...target("a"),
      fallback: [target("b"), target("c")],
      fallback_on: ["transport" as const],
    };
    const taken = { at_ms: NOW, turn: 0, from: target("a"), to: target("b"), error_class: "transport" };
    const usage = {
      input_tokens: 5,
      output_tokens: 1,
      cached_input_tokens: 0,
      model_calls: 1,
      tool_calls: 0,
    };
    const daemon = await fakeDaemon({
      [GET]: inTurn(
        json(runView({ route })),
        json(runView({ route, fallbacks: [taken], usage: { ...usage, restarts: 0, cost_microusd: 1_234 } })),
      ),
    });
    const shown = async () =>
      (
        await kheish(["runs", "get", "run-1", "--base-url", daemon.baseUrl], {
          columns: 120,
          env: { NO_COLOR: "1" },
        })
      ).stdout;
    expect(await shown()).toMatch(/fallback +none taken; on transport: b\/m, then c\/m/);
    const after = await shown();
    expect(after).toMatch(/fallback +b\/m \(transport\)/);
    expect(after).toMatch(/cost +\$0\.001234/);
  });
});

describe("runs wait", () => {
  it.each([
    ["completed", {}, 0, ""],
    ["failed", { error: "boom" }, 10, "Error: run-1 ended failed: boom\n"],
    ["cancelled", {}, 10, "Error: run-1 ended cancelled\n"],
    ["interrupted", {}, 10, "Error: run-1 ended interrupted\n"],
  ] as const)("of a %s run", async (status, members, code, stderr) => {
    const daemon = await fakeDaemon({
      [GET]: inTurn(json(runView()), json(runView({ status, ...members }))),
    });
    const result = await kheish(["runs", "wait", "run-1", "--base-url", daemon.baseUrl]);
    expect(result).toMatchObject({ code, stderr });
    expect(JSON.parse(result.stdout)).toMatchObject({ status });
  });

  it("tells how to answer a run that waits", async () => {
    const daemon = await fakeDaemon({ [GET]: json(waitingRun()) });
    const { code, stderr } = await kheish(["runs", "wait", "run-1", "--base-url", daemon.baseUrl]);
    expect(code).toBe(9);
    expect(stderr.split("\n")).toEqual([
      "Error: run-1 is waiting for approval",
      `  kheish --base-url ${daemon.baseUrl} approvals allow approval-bash-1-abcd1234 --run-id run-1`,
      `  kheish --base-url ${daemon.baseUrl} approvals deny approval-bash-1-abcd1234 --run-id run-1`,
      "",
    ]);
  });

  it("ends with 7 when the time is over, and looks no more often than every 50 ms", async () => {
    const daemon = await fakeDaemon({ [GET]: json(runView()) });
    const clock = fastClock();
    const flags = ["--timeout", "0.12", "--poll-interval-ms", "1"];
    const { code, stdout, stderr } = await kheish(
      ["runs", "wait", "run-1", ...flags, "--base-url", daemon.baseUrl],
      { clock },
    );
    expect(code).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({ status: "running" });
    expect(stderr).toBe("Error: run-1 is still running\n");
    expect(clock.slept).toEqual([50, 50, 20]);
  });

  it("takes the grace for a lost daemon from the environment", async () => {
    const daemon = await fakeDaemon({ [GET]: (_request, response) => void response.destroy() });
    const clock = fastClock();
    const argv = ["runs", "wait", "run-1", "--base-url", daemon.baseUrl];
    const env = { KHEISH_DAEMON_WAIT_TRANSIENT_ERROR_GRACE_MS: "1000" };
    expect((await kheish(argv, { clock, env })).code).toBe(3);
    expect(clock.slept).toEqual([500, 500]);
    const bad = { KHEISH_DAEMON_WAIT_TRANSIENT_ERROR_GRACE_MS: "soon" };
    expect((await kheish(argv, { env: bad })).code).toBe(2);
  });
});

describe("other commands on runs", () => {
  it("cancels without a body of its own", async () => {
    const daemon = await fakeDaemon({ "POST /v1/runs/run-1/cancel": json(runView({ status: "cancelled" })) });
    expect((await kheish(["run", "cancel", "run-1", "--base-url", daemon.baseUrl])).code).toBe(0);
  });

  it("lists debug evidence with what became of each artifact", async () => {
    const artifact = {
      artifact_id: "turn-0000-attempt-0001-model-request",
      format: "json",
      updated_at_ms: NOW,
      bytes: 540,
      plaintext_bytes: 512,
      truncated: true,
      original_bytes: 9_000,
      encrypted: true,
      encryption_key_id: "k1",
    };
    const view = { run_id: "run-1", level: "full", artifacts: [artifact], dropped: 3 };
    const daemon = await fakeDaemon({ "GET /v1/runs/run-1/debug": json(view) });
    const argv = ["runs", "debug", "run-1", "--base-url", daemon.baseUrl];
    const terminal = { columns: 140, env: { NO_COLOR: "1" } };
    const { stdout } = await kheish(argv, terminal);
    for (const shown of ["level full", artifact.artifact_id, "512", "9000", "k1", "3 older artifacts"])
      expect(stdout).toContain(shown);
    const off = await fakeDaemon({
      "GET /v1/runs/run-1/debug": json({ run_id: "run-1", level: "off", artifacts: [] }),
    });
    expect((await kheish([...argv.slice(0, -1), off.baseUrl], terminal)).stdout).toContain(
      "Nothing was captured of run-1",
    );
  });

  it("prints a debug artifact as it is", async () => {
    const path = "/v1/runs/run-1/debug/artifacts/turn-0001%2Fx";
    const daemon = await fakeDaemon({ [`GET ${path}`]: plain("raw body") });
    const argv = ["runs", "debug-artifact", "run-1", "turn-0001/x", "--base-url", daemon.baseUrl];
    expect(await kheish(argv)).toEqual({ code: 0, stdout: "raw body", stderr: "" });
  });

  it("prunes what it is told to", async () => {
    const answer = {
      dry_run: true,
      now_ms: NOW,
      cutoff_ms: NOW - 1,
      limit: null,
      matched_run_count: 0,
      candidate_run_ids: [],
      candidate_debug_bytes: 0,
      pruned_debug_run_ids: [],
      pruned_debug_bytes: 0,
    };
    const daemon = await fakeDaemon({ "POST /v1/runs/prune": json(answer) });
    const flags = ["--older-than-ms", "1000", "--session-id", "s1", "--dry-run"];
    await kheish(["runs", "prune", ...flags, "--base-url", daemon.baseUrl]);
    expect(daemon.requests[0]?.body).toEqual({ older_than_ms: 1000, session_id: "s1", dry_run: true });
  });

  it("shows how a run moved", async () => {
    const entry = { run_id: "run-1", session_id: "s1", agent_id: "agent-1", timestamp_ms: NOW };
    const log = [
      { ...entry, seq: 2, event: { type: "queued", position: 1 } },
      { ...entry, seq: 5, event: { type: "failed", error: "boom" } },
    ];
    const daemon = await fakeDaemon({ "GET /v1/runs/run-1/events": json(log) });
    const argv = ["runs", "events", "run-1", "--base-url", daemon.baseUrl];
    const { stdout } = await kheish(argv, { columns: 80, env: { NO_COLOR: "1" } });
    expect(stdout).toMatch(
      /^SEQ {2}TIME {6}EVENT {3}DETAIL\n2 .*queued {2}position 1\n5 .*failed {2}boom\n$/,
    );
    expect(JSON.parse((await kheish(argv)).stdout)).toEqual(log);
  });
});

describe("runs stream", () => {
  const completed = frame("run_updated", { run: runView({ status: "completed" }) }, 4);

  it("prints one JSON object an event", async () => {
    const daemon = await fakeDaemon({ [STREAM]: events([frame("heartbeat", {}), completed]) });
    const argv = ["runs", "stream", "run-1", "--cursor", "0", "--until", "terminal", "--output", "json"];
    const { code, stdout } = await kheish([...argv, "--base-url", daemon.baseUrl]);
    expect(code).toBe(0);
    expect(daemon.requests[0]?.url).toBe("/v1/runs/run-1/stream?cursor=0&until=terminal");
    const [first, second] = stdout
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(first).toEqual({ event: "heartbeat", data: { type: "heartbeat" } });
    expect(second).toMatchObject({ id: "4", event: "run_updated", data: { run: { status: "completed" } } });
    expect(stdout).toMatch(/\n\{"id":"4","event":"run_updated","data":/);
  });

  it("prints a line an event on a terminal, and no heartbeats", async () => {
    const trace = { kind: "tool_call_started", timestamp_ms: NOW, data: { call_id: "c1" } };
    const frames = [frame("heartbeat", {}), frame("trace", { trace }, 3), frame("news", { a: 1 }), completed];
    const daemon = await fakeDaemon({ [STREAM]: events(frames) });
    const argv = ["runs", "follow", "run-1", "--until", "terminal", "--base-url", daemon.baseUrl];
    const { stdout } = await kheish(argv, { columns: 100, env: { NO_COLOR: "1" } });
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^[\d:]{8} +/, ""));
    expect(lines).toEqual([
      'trace                  tool_call_started {"call_id":"c1"}',
      'news                   {"type":"news","a":1}',
      "run_updated            run-1 completed",
    ]);
  });

  it("says on standard error that it lost the daemon", async () => {
    const daemon = await fakeDaemon({
      [STREAM]: inTurn(events([frame("heartbeat", {})], { close: true }), events([completed])),
    });
    const argv = ["runs", "stream", "run-1", "--until", "terminal", "--base-url", daemon.baseUrl];
    const { code, stderr } = await kheish(argv);
    expect(code).toBe(0);
    expect(stderr).toBe("connection lost (the daemon closed the stream); reconnecting\nreconnected\n");
  });
});

describe("runs watch in a pipe", () => {
  it.each([
    ["completed", 0],
    ["failed", 10],
  ] as const)("is the stream of the run, until it has %s", async (status, code) => {
    const last = frame("run_updated", { run: runView({ status }) }, 4);
    const daemon = await fakeDaemon({ [STREAM]: events([last]) });
    const argv = ["runs", "watch", "run-1", "--output", "json", "--base-url", daemon.baseUrl];
    const result = await kheish(argv);
    expect(result.code).toBe(code);
    expect(daemon.requests[0]?.url).toBe("/v1/runs/run-1/stream?snapshot=true&until=terminal");
    expect(result.stdout.trim().split("\n")).toHaveLength(1);
  });
});
