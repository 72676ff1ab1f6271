import { describe, expect, it } from "vitest";
import { type FakeDaemon, fakeDaemon, inTurn, json, problem } from "../../testing/fake-daemon.ts";
import { type CliSetup, kheish } from "../../testing/run-cli.ts";
import { approval, NOW, runView, waitingRun } from "../../testing/samples.ts";

const ID = approval().id;

function approvals(daemon: FakeDaemon, argv: readonly string[], setup?: CliSetup) {
  return kheish(["--base-url", daemon.baseUrl, "approvals", ...argv], setup);
}

function page(items: object[], cursor?: string) {
  const pagination = {
    limit: 100,
    total_count: 2,
    has_more: cursor !== undefined,
    next_cursor: cursor,
    order: "x",
  };
  return json({ items, pagination });
}

const secondRun = waitingRun({
  run_id: "run-2",
  session_id: "s2",
  pending_approval_ids: ["a2", "a3"],
  pending_approvals: [approval({ id: "a2", expires_at_ms: NOW + 600_000 }), approval({ id: "a3" })],
});

describe("approvals list", () => {
  it("collects the approvals of all runs, page by page", async () => {
    const daemon = await fakeDaemon({
      "GET /v1/runs": inTurn(page([waitingRun(), runView({ run_id: "run-9" })], "next"), page([secondRun])),
    });
    const { stdout } = await approvals(daemon, ["list", "--session-id", "s1"]);
    expect(daemon.requests.map(({ url }) => url)).toEqual([
      "/v1/runs?page=true&limit=100&status=waiting_for_approval&session_id=s1",
      "/v1/runs?page=true&limit=100&cursor=next&status=waiting_for_approval&session_id=s1",
    ]);
    expect(JSON.parse(stdout)).toEqual([
      { run_id: "run-1", session_id: "s1", ...approval() },
      { run_id: "run-2", session_id: "s2", ...approval({ id: "a2", expires_at_ms: NOW + 600_000 }) },
      { run_id: "run-2", session_id: "s2", ...approval({ id: "a3" }) },
    ]);
  });

  it("is a table on a terminal", async () => {
    const daemon = await fakeDaemon({ "GET /v1/runs": json([secondRun]) });
    const { stdout } = await approvals(daemon, ["list"], { columns: 80, env: { NO_COLOR: "1" } });
    expect(stdout.split("\n")).toEqual([
      "REQUEST  RUN    SESSION  TOOL  EXPIRES             INPUT",
      'a2       run-2  s2       bash  in 10m (then deny)  {"command":"make"}',
      'a3       run-2  s2       bash                      {"command":"make"}',
      "",
    ]);
  });
});

describe("approvals show", () => {
  it("finds one by argument or flag", async () => {
    const daemon = await fakeDaemon({ "GET /v1/runs": json([waitingRun(), secondRun]) });
    for (const argv of [["a3"], ["--request-id", "a3"], ["a3", "--request-id", "a3"]]) {
      const { code, stdout } = await approvals(daemon, ["show", ...argv]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ id: "a3", run_id: "run-2" });
    }
  });

  it("refuses none, two different and unknown ids", async () => {
    const daemon = await fakeDaemon({ "GET /v1/runs": json([]) });
    expect((await approvals(daemon, ["show"])).code).toBe(2);
    expect((await approvals(daemon, ["show", "a", "--request-id", "b"])).code).toBe(2);
    const unknown = await approvals(daemon, ["show", "a"]);
    expect(unknown).toMatchObject({ code: 5, stderr: "Error: no approval 'a' is pending\n" });
  });

  it("shows on a terminal exactly what would run", async () => {
    const daemon = await fakeDaemon({ "GET /v1/runs": json([waitingRun()]) });
    const { stdout } = await approvals(daemon, ["show", ID], { columns: 80, env: { NO_COLOR: "1" } });
    expect(stdout).toContain('{\n  "command": "make"\n}\n');
  });
});

describe("approvals allow and deny", () => {
  it.each([
    [["allow", ID, "--run-id", "run-1"], "/v1/runs/run-1/approvals", { behavior: "allow" }],
    [["allow", ID, "--session-id", "s1"], "/v1/sessions/s1/approval-runs", { behavior: "allow" }],
    [["deny", ID], "/v1/runs/run-1/approvals", { behavior: "deny" }],
    [
      ["deny", "--request-id", ID, "--reason", "no", "--justification", "policy"],
      "/v1/runs/run-1/approvals",
      { behavior: "deny", reason: "no", justification: "policy" },
    ],
    [
      ["allow", ID, "--run-id", "run-1", "--updated-input-json", '{"command":"ls"}'],
      "/v1/runs/run-1/approvals",
      { behavior: "allow", updated_input: { command: "ls" } },
    ],
  ])("%j", async (argv, path, resolution) => {
    const daemon = await fakeDaemon({
      "GET /v1/runs": json([waitingRun()]),
      [`POST ${path}`]: json(runView(), 202),
    });
    const { code, stdout } = await approvals(daemon, [...argv, "--idempotency-key", "k"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ run_id: "run-1" });
    expect(daemon.requests.at(-1)?.body).toEqual({
      resolutions: [{ request_id: ID, ...resolution }],
      idempotency_key: "k",
    });
  });

  it("waits when asked to, and tells what is asked next", async () => {
    const next = waitingRun({ pending_approval_ids: ["a9"], pending_approvals: [approval({ id: "a9" })] });
    const daemon = await fakeDaemon({
      "POST /v1/runs/run-1/approvals": json(runView(), 202),
      "GET /v1/runs/run-1": inTurn(json(runView()), json(next)),
    });
    const { code, stderr } = await approvals(daemon, ["allow", ID, "--run-id", "run-1", "--wait"]);
    expect(code).toBe(9);
    expect(stderr).toContain("approvals allow a9 --run-id run-1");
  });
});

describe("approvals allow-all and deny-all", () => {
  const APPROVE_2 = "POST /v1/runs/run-2/approvals";

  it("decides in one atomic batch a run", async () => {
    const daemon = await fakeDaemon({
      "GET /v1/runs": json([waitingRun(), secondRun]),
      "POST /v1/runs/run-1/approvals": json(runView(), 202),
      [APPROVE_2]: json(runView({ run_id: "run-2" }), 202),
    });
    const { code, stdout } = await approvals(daemon, [
      "deny-all",
      "--reason",
      "no",
      "--idempotency-key",
      "k",
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      behavior: "deny",
      runs: [{ run_id: "run-1" }, { run_id: "run-2" }],
    });
    expect(daemon.requests.find(({ url }) => url.includes("run-2"))?.body).toEqual({
      resolutions: [
        { request_id: "a2", behavior: "deny", reason: "no" },
        { request_id: "a3", behavior: "deny", reason: "no" },
      ],
      idempotency_key: "k",
    });
  });

  it("decides the others when one run refuses, and ends as the refusal says", async () => {
    const daemon = await fakeDaemon({
      "GET /v1/runs": json([waitingRun(), secondRun]),
      "POST /v1/runs/run-1/approvals": problem(409, "approval_state_conflict", "too late"),
      [APPROVE_2]: json(runView({ run_id: "run-2" }), 202),
    });
    const { code, stdout } = await approvals(daemon, ["allow-all"]);
    expect(code).toBe(6);
    expect(JSON.parse(stdout)).toMatchObject({
      runs: [
        { run_id: "run-1", status: "waiting_for_approval" },
        { run_id: "run-2", status: "running" },
      ],
      failures: [{ run_id: "run-1", error: "daemon returned 409 (approval_state_conflict): too late" }],
    });
  });

  it("has nothing to do when nothing waits", async () => {
    const daemon = await fakeDaemon({ "GET /v1/runs": json([]) });
    const { code, stdout } = await approvals(daemon, ["allow-all"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ behavior: "allow", runs: [], failures: [] });
  });
});
