import type { RunEvent, RunEventEntry, Trace } from "@kheish/sdk";
import { expect, test } from "vitest";
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
const began = (at: number, attempt = 1) =>
  trace(at, "tool_call_started", {
    call_id: "c1",
    tool_name: "bash",
    attempt,
    effect: "once",
    idempotency_key: "k",
  });
const ended = (at: number, ledger = "settled", is_error = false) =>
  trace(at, "tool_call_finished", { call_id: "c1", ledger, result: { output: "out", is_error } });

const bars = (traces: Trace[], events: RunEventEntry[]) =>
  stepsOf(traces, events).map(({ kind, startMs, endMs }) => [kind, startMs, endMs]);

test("a turn lasts from what came before it, a tool from its dispatch to its outcome", () => {
  const events = [moved(100, { type: "started" })];
  const traces = [asked(150, 0, call), began(160), ended(400), asked(500, 1, { type: "text", text: "done" })];
  expect(bars(traces, events)).toEqual([
    ["model", 100, 150],
    ["tool", 160, 400],
    ["model", 400, 500],
  ]);
});

test("a wait is a bar of its own, and no part of the turn after it; the decision stands with it", () => {
  const request = {
    id: "r",
    tool_call_id: "c1",
    tool_name: "bash",
    input: {},
    scope: "default",
    reason: "asks",
  };
  const events = [
    moved(100, { type: "started" }),
    moved(150, { type: "waiting_for_approval", request_ids: ["r"], requests: [request] }),
    moved(900, {
      type: "approval_resolved",
      resolutions: [{ request_id: "r", behavior: "allow" }],
      decided_by: "token:eve",
    }),
  ];
  const traces = [asked(150, 0, call), began(910), ended(950)];
  expect(bars(traces, events)).toEqual([
    ["model", 100, 150],
    ["wait", 150, 900],
    ["tool", 910, 950],
  ]);
  const wait = stepsOf(traces, events).find(({ kind }) => kind === "wait");
  expect(wait?.details.map(({ heading }) => heading)).toEqual(["Asked", "Decision"]);
  expect(JSON.stringify(wait?.details)).toContain("token:eve");
});

test("what still lasts has no end; a restart is a point, and the attempt after it has its own bar", () => {
  const events = [moved(100, { type: "started" }), moved(700, { type: "resumed", attempt: 2 })];
  const traces = [asked(150, 0, call), began(160), began(710, 2)];
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
  expect(tool?.details).toEqual([
    { heading: "Input", value: { command: "ls" } },
    { heading: "Effect", value: { class: "once", attempt: 1, idempotency_key: "k" } },
    { heading: "Permission", value: audit },
    { heading: "Ledger", value: "failed" },
    { heading: "Output", value: "out" },
  ]);
});
