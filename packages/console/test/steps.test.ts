import type { RunEvent, RunEventEntry, Trace } from "@kheish/sdk";
import { expect, test } from "vitest";
import type { Step } from "../src/pages/run/step.ts";
import { stepsOf } from "../src/pages/run/steps.ts";

let seq = 0;
const trace = (timestamp_ms: number, kind: string, data: object): Trace => ({
  kind,
  timestamp_ms,
  seq: ++seq,
  data: data as never,
});
const moved = (timestamp_ms: number, event: RunEvent): RunEventEntry => ({
  timestamp_ms,
  event,
  seq: ++seq,
  run_id: "run-1",
  session_id: "s",
  agent_id: "a",
});
const asked = (at: number, turn: number, ...parts: object[]) =>
  trace(at, "message_appended", { turn, message: { role: "assistant", model: "m", parts } });
const call = { type: "tool_call", id: "c1", name: "bash", input: { command: "ls" } };
const began = (at: number, attempt = 1, id = "c1") =>
  trace(at, "tool_call_started", {
    call_id: id,
    tool_name: "bash",
    attempt,
    effect: "once",
    idempotency_key: "k",
  });
const ended = (at: number, ledger = "settled", is_error = false, id = "c1") =>
  trace(at, "tool_call_finished", { call_id: id, ledger, result: { output: "out", is_error } });
const request = (id: string) => ({
  id,
  tool_call_id: "c1",
  tool_name: "bash",
  input: {},
  scope: "default",
  reason: "asks",
});
const allowed = (at: number, id: string, decided_by: string) =>
  moved(at, {
    type: "approval_resolved",
    resolutions: [{ request_id: id, behavior: "allow" }],
    decided_by,
  });

const bars = (traces: Trace[], events: RunEventEntry[]) =>
  stepsOf(traces, events).map(({ body, startMs, endMs }) => [body.kind, startMs, endMs]);
const only = <Kind extends Step["body"]["kind"]>(steps: Step[], kind: Kind) =>
  steps.flatMap(({ body }) => (body.kind === kind ? [body as Extract<Step["body"], { kind: Kind }>] : []));

test("a turn lasts from what came before it, a tool from its dispatch to its outcome", () => {
  const events = [moved(100, { type: "started" })];
  const traces = [asked(150, 0, call), began(160), ended(400), asked(500, 1, { type: "text", text: "done" })];
  expect(bars(traces, events)).toEqual([
    ["model", 100, 150],
    ["tool", 160, 400],
    ["model", 400, 500],
  ]);
});

test("a wait is a bar of its own, and no part of the turn after it; who decided and when stands with it", () => {
  const events = [
    moved(100, { type: "started" }),
    moved(150, { type: "waiting_for_approval", request_ids: ["r"], requests: [request("r")] }),
    allowed(900, "r", "token:eve"),
  ];
  const traces = [asked(150, 0, call), began(910), ended(950)];
  expect(bars(traces, events)).toEqual([
    ["model", 100, 150],
    ["wait", 150, 900],
    ["tool", 910, 950],
  ]);
  const [wait] = only(stepsOf(traces, events), "wait");
  expect(wait?.decisions).toEqual([
    { by: "token:eve", atMs: 900, said: [{ request_id: "r", behavior: "allow" }] },
  ]);
});

test("a wait for several lasts until the last of them is decided; a vote that is not enough ends nothing", () => {
  const requests = [request("r1"), request("r2")];
  const events = [
    moved(100, { type: "waiting_for_approval", request_ids: ["r1", "r2"], requests }),
    moved(200, { type: "approval_voted", request_id: "r1", approved_by: ["a"], required_approvals: 2 }),
    allowed(300, "r1", "b"),
    allowed(400, "r2", "c"),
  ];
  expect(bars([], events)).toEqual([["wait", 100, 400]]);
  expect(only(stepsOf([], events), "wait")[0]?.decisions.map(({ by }) => by)).toEqual(["b", "c"]);
  const cancelled = [...events.slice(0, 3), moved(350, { type: "cancelled" })];
  expect(bars([], cancelled)).toEqual([["wait", 100, 350]]);
});

test("what still lasts has no end; a restart is a point, and the attempt after it has its own bar", () => {
  const started = moved(100, { type: "started" });
  const before = [asked(150, 0, call), began(160)];
  const resumed = moved(700, { type: "resumed", attempt: 2 });
  const traces = [...before, began(710, 2)];
  const events = [started, resumed];
  expect(bars(traces, events)).toEqual([
    ["model", 100, 150],
    ["tool", 160, 710],
    ["restart", 700, 700],
    ["tool", 710, undefined],
  ]);
  expect(stepsOf(traces, events).at(-1)?.name).toBe("bash (attempt 2)");
  const waiting = [
    moved(100, { type: "started" }),
    moved(200, { type: "waiting_for_user_question", request_ids: ["q"], requests: [] }),
  ];
  expect(bars([], waiting)).toEqual([["wait", 200, undefined]]);
});

test("a restart says what it did about what was under way, and nothing of what came later", () => {
  const did = (before: () => Trace[], after: () => Trace[]) => {
    const early = before();
    const resumed = moved(500, { type: "resumed", attempt: 2 });
    const [restart] = only(stepsOf([...early, ...after()], [resumed]), "restart");
    return restart?.did;
  };
  const running = () => [asked(150, 0, call), began(160)];
  expect(did(running, () => [began(510, 2), ended(520), began(530, 1, "c2")])).toEqual([
    "bash was run again",
  ]);
  expect(did(running, () => [ended(510, "unknown", true)])).toEqual([
    "bash was not repeated: the model was told that its outcome is unknown",
  ]);
  expect(did(running, () => [ended(510, "reconciled")])).toEqual(["bash was looked up and had been done"]);
  const lookedUp = () => [trace(510, "effect_not_applied", { call_id: "c1" }), began(520, 2)];
  expect(did(running, lookedUp)).toEqual(["bash was looked up and had done nothing", "bash was run again"]);
  const thinking = () => [asked(150, 0, call), began(160), ended(170)];
  expect(did(thinking, () => [asked(600, 1), began(610, 1, "c2")])).toEqual(["the model was asked again"]);
  expect(did(thinking, () => [])).toEqual([]);
});

test("a model call that failed is a bar, with its error and what the run did then", () => {
  const failed = trace(300, "model_call_failed", {
    turn: 0,
    model: "big",
    error: { class: "server_overloaded", message: "busy" },
    next: "fallback",
  });
  const events = [moved(100, { type: "started" })];
  expect(bars([failed, asked(400, 0)], events)).toEqual([
    ["retry", 100, 300],
    ["model", 300, 400],
  ]);
  expect(only(stepsOf([failed], events), "retry")[0]).toMatchObject({ next: "fallback", model: "big" });
});

test("where the prompt was made shorter is a point that says by how much", () => {
  const traces = [
    trace(100, "compaction_boundary", {
      boundary: { kind: "snip", tokens_freed: 10, messages_removed: 2, head_seq: 3 },
    }),
    trace(200, "checkpoint", {
      checkpoint: { strategy: "model_driven", pre_tokens: 900, post_tokens: 300, messages_removed: 7 },
    }),
  ];
  const steps = stepsOf(traces, []);
  expect(steps.map(({ name }) => name)).toEqual([
    "Context: older messages left out",
    "Context: older messages summarised",
  ]);
  expect(only(steps, "compaction").map(({ tokensFreed }) => tokensFreed)).toEqual([10, 600]);
});

test("a step opens what went in, came out, was allowed and became of it", () => {
  const audit = { scope: "default", tool_name: "bash", tool_call_id: "c1", decision: "allow" };
  const traces = [
    asked(150, 0, call),
    trace(155, "permission_audit", { audit }),
    began(160),
    ended(400, "failed", true),
  ];
  const [, tool] = stepsOf(traces, []);
  expect(tool?.failed).toBe(true);
  expect(tool?.body).toEqual({
    kind: "tool",
    tool: "bash",
    input: { command: "ls" },
    effect: "once",
    attempt: 1,
    idempotencyKey: "k",
    permission: audit,
    ledger: "failed",
    output: "out",
    hasOutput: true,
  });
});
