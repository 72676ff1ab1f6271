import { describe, expect, it } from "vitest";
import { type DecideInput, decide } from "./decide.ts";
import { DEFAULT_RUN_LIMITS, type RunLimits } from "./limits.ts";
import type { CallState } from "./state.ts";
import { emptyState } from "./state.ts";
import { assistant, call, History, NOW, RUN, result, user } from "./testing.ts";

function input(
  more: { limits?: Partial<RunLimits>; requiredFiles?: string[]; contextTokens?: number } = {},
): DecideInput {
  const { limits, requiredFiles = [], contextTokens } = more;
  return {
    limits: { ...DEFAULT_RUN_LIMITS, ...limits },
    context: { reservedOutputTokens: 0, ...(contextTokens === undefined ? {} : { contextTokens }) },
    requiredFiles,
    nowMs: NOW,
  };
}

function started(): History {
  const history = new History();
  history.start();
  return history;
}

/** A run whose newest message asks for calls `a`, `b`, … in these phases. */
function withPhases(...phases: CallState["phase"][]): History {
  const history = started();
  const ids = phases.map((_, index) => String.fromCharCode(97 + index));
  const messageSeq = history.says(assistant("", { calls: ids.map((id) => call(id)) }));
  for (const [index, phase] of phases.entries()) bring(history, messageSeq, ids[index] ?? "", phase);
  return history;
}

function bring(history: History, messageSeq: number, id: string, phase: CallState["phase"]): void {
  if (phase === "asking_approval") {
    const request = { id: `ask-${id}`, tool_call_id: id, tool_name: "probe", scope: "default", reason: "" };
    history.add("waiting_for_approval", { run_id: RUN, message_seq: messageSeq, requests: [request] });
  }
  if (phase === "requested" || phase === "asking_approval") return;
  history.allows(id);
  if (phase === "allowed") return;
  history.dispatches(id);
  if (phase === "asking_user") {
    const request = { id: `question-${id}`, tool_call_id: id, questions: [], created_at_ms: 0 };
    history.add("waiting_for_user_question", { run_id: RUN, request });
  }
  if (phase === "settled") history.finishes(result(id));
}

function stepOf(history: History, how = input()) {
  const step = decide(history.state, how);
  return "calls" in step ? [step.kind, ...step.calls.map((one) => one.call.id)] : [step.kind];
}

describe("what comes next", () => {
  it("without a run: nothing", () => {
    expect(decide(emptyState(), input())).toEqual({ kind: "idle" });
    const over = started();
    over.add("cancelled", { run_id: RUN });
    expect(decide(over.state, input())).toEqual({ kind: "idle" });
  });

  it("after the input, and after results: the model", () => {
    expect(stepOf(started())).toEqual(["call_model"]);
    expect(stepOf(withPhases("settled", "settled"))).toEqual(["call_model"]);
  });

  it("after an answer without calls: the end, be it without words", () => {
    for (const text of ["done", ""]) {
      const history = started();
      history.says(assistant(text));
      expect(decide(history.state, input())).toEqual({ kind: "finish" });
    }
  });

  it("an earlier run's answer does not end this one", () => {
    const history = started();
    history.says(assistant("done"));
    history.add("completed", { run_id: RUN });
    history.start("run-2");
    expect(stepOf(history)).toEqual(["call_model"]);
  });
});

describe("what comes next for calls", () => {
  it.each<[string, CallState["phase"][], string[]]>([
    ["nobody decided about", ["requested", "requested"], ["authorize", "a", "b"]],
    ["half decided", ["allowed", "requested"], ["authorize", "b"]],
    ["all allowed", ["allowed", "allowed"], ["run_tools", "a", "b"]],
    ["partly done", ["settled", "allowed"], ["run_tools", "b"]],
    ["03-R29 one of which waits for a yes", ["allowed", "asking_approval", "allowed"], ["wait_for_approval"]],
    ["03-R31 the last yes of which is missing", ["settled", "asking_approval"], ["wait_for_approval"]],
    ["one of which asks a person", ["settled", "asking_user"], ["wait_for_answer"]],
    ["one of which asks, with more to run after it", ["asking_user", "allowed"], ["wait_for_answer"]],
    [
      "an approval and a question: the approval first",
      ["asking_user", "asking_approval"],
      ["wait_for_approval"],
    ],
    ["left behind by a crash", ["dispatched", "dispatched"], ["recover", "a", "b"]],
    ["one left behind, one not yet begun", ["dispatched", "allowed"], ["recover", "a"]],
    ["one left behind beside one that settled", ["settled", "dispatched"], ["recover", "b"]],
    ["one left behind beside one that asks", ["asking_user", "dispatched"], ["recover", "b"]],
    ["undecided ones beside one left behind", ["dispatched", "requested"], ["authorize", "b"]],
  ])("%s", (_case, phases, expected) => {
    expect(stepOf(withPhases(...phases))).toEqual(expected);
  });

  it("03-R31: after a partial resolution the run keeps waiting, after the last one the allowed calls run", () => {
    const history = withPhases("asking_approval", "asking_approval");
    const resolve = (id: string, behavior: "allow" | "deny") => {
      const resolutions = [{ request_id: `ask-${id}`, behavior }];
      history.add("approval_resolved", { run_id: RUN, resolutions, decided_by: "me", pending: [] });
    };
    resolve("a", "allow");
    expect(stepOf(history)).toEqual(["wait_for_approval"]);
    resolve("b", "deny");
    history.finishes(result("b"), { ledger: "denied" });
    expect(stepOf(history)).toEqual(["run_tools", "a"]);
  });

  it("01-R31 a settled batch is followed by the model even when all of it was denied", () => {
    const history = withPhases("requested");
    history.finishes(result("a"), { ledger: "denied" });
    expect(stepOf(history)).toEqual(["call_model"]);
  });
});

describe("01-R86: an answer that was cut at the output limit", () => {
  function cut(times: number): History {
    const history = started();
    for (let turn = 0; turn < times; turn++) {
      if (turn > 0)
        history.add("message_appended", { run_id: RUN, turn, nudge: "output", message: user("go on") });
      history.says(assistant("half", { finish: "length" }), turn);
    }
    return history;
  }

  it.each([1, 2, 3])("is continued after cut %i", (times) => {
    expect(decide(cut(times).state, input())).toMatchObject({ kind: "nudge", nudge: "output" });
  });

  it("fails the run after the third nudge", () => {
    expect(decide(cut(4).state, input())).toEqual({
      kind: "fail",
      error: "the answer was cut at the output limit 4 times",
    });
  });

  it("is no end when calls came with it", () => {
    const history = started();
    history.says(assistant("half", { calls: [call("a")], finish: "length" }));
    expect(stepOf(history)).toEqual(["authorize", "a"]);
  });
});

describe("01-R36: files the run has to write", () => {
  const requiredFiles = ["a.md", "b/c.md"];

  function answered(written: string[], nudges = 0): History {
    const history = withPhases("allowed");
    const updates = written.map((path) => ({ type: "file_modified" as const, path }));
    history.finishes(result("a"), { context_updates: updates });
    for (let turn = 1; turn <= nudges; turn++) {
      history.add("message_appended", { run_id: RUN, turn, nudge: "requirement", message: user("write it") });
    }
    history.says(assistant("done"), nudges + 1);
    return history;
  }

  it("let it end once they are written", () => {
    expect(decide(answered(["b/c.md", "a.md", "d"]).state, input({ requiredFiles }))).toEqual({
      kind: "finish",
    });
  });

  it.each([0, 1])("are asked for by name, nudge %i done", (nudges) => {
    expect(decide(answered(["a.md"], nudges).state, input({ requiredFiles }))).toMatchObject({
      kind: "nudge",
      nudge: "requirement",
      text: expect.stringMatching(/write b\/c\.md with/),
    });
  });

  it("fail the run by name after two nudges", () => {
    expect(decide(answered([], 2).state, input({ requiredFiles }))).toEqual({
      kind: "fail",
      error: "completion requirement unmet: the run did not write a.md, b/c.md",
    });
  });

  it("wait until a cut answer is whole", () => {
    const history = started();
    history.says(assistant("half", { finish: "length" }));
    expect(decide(history.state, input({ requiredFiles }))).toMatchObject({ kind: "nudge", nudge: "output" });
  });
});

describe("what a run may not exceed", () => {
  function turns(count: number): History {
    const history = started();
    for (let turn = 0; turn < count; turn++) {
      history.says(assistant("", { calls: [call("a")] }), turn);
      history.finishes(result("a"));
    }
    return history;
  }

  it.each([
    [3, 2, "call_model"],
    [3, 3, "fail"],
    [0, 40, "call_model"],
    [500, 499, "call_model"],
    [500, 500, "fail"],
  ])("01-R87: with max_turns %i after %i turns: %s", (maxTurns, done, kind) => {
    expect(decide(turns(done).state, input({ limits: { maxTurns } })).kind).toBe(kind);
  });

  it("01-R87: the limit names itself, and an answer at the limit still counts", () => {
    expect(decide(turns(2).state, input({ limits: { maxTurns: 2 } }))).toEqual({
      kind: "fail",
      error: "the run reached its limit of 2 turns",
      passing: true,
    });
    const history = turns(1);
    history.says(assistant("done"), 1);
    expect(decide(history.state, input({ limits: { maxTurns: 2 } }))).toEqual({ kind: "finish" });
  });

  it.each([
    [5, "call_model"],
    [6, "fail"],
  ])("after %i takeovers without progress: %s", (takeovers, kind) => {
    const history = turns(1);
    for (let attempt = 1; attempt <= takeovers; attempt++) history.add("resumed", { run_id: RUN, attempt });
    const step = decide(history.state, input());
    expect(step.kind).toBe(kind);
    if (step.kind === "fail") expect(step.error).toMatch(/^quarantined: .*6 times.*turn 1/);
  });

  it("what keeps killing the daemon is given up before its calls are looked at", () => {
    const history = withPhases("dispatched");
    for (let attempt = 1; attempt <= 6; attempt++) history.add("resumed", { run_id: RUN, attempt });
    expect(decide(history.state, input()).kind).toBe("fail");
  });

  it("01-R85: a model call that no remedy is left for fails the run with its class", () => {
    const history = started();
    const error = { class: "auth", message: "no credential", retryable: false } as const;
    history.add("model_call_failed", { run_id: RUN, turn: 0, model: "big", error, next: "fail" });
    expect(decide(history.state, input())).toEqual({
      kind: "fail",
      error: "model call failed (auth): no credential",
    });
  });

  it("01-R85: with a remedy left it is called again", () => {
    const history = started();
    const error = { class: "rate_limited", message: "slow down", retryable: true } as const;
    history.add("model_call_failed", { run_id: RUN, turn: 0, model: "big", error, next: "fallback" });
    expect(decide(history.state, input())).toEqual({ kind: "call_model" });
  });

  it("01-R78: a prompt that is too large shrinks before the call, not after the answer", () => {
    const history = turns(30);
    expect(decide(history.state, input({ contextTokens: 13_010 }))).toMatchObject({
      kind: "shrink_context",
      plan: { kind: "model_driven", trigger: "auto" },
    });
    history.says(assistant("done"), 30);
    expect(decide(history.state, input({ contextTokens: 13_010 }))).toEqual({ kind: "finish" });
  });
});

it("decides the same for the same state, and changes nothing of it", () => {
  const history = withPhases("dispatched", "allowed", "settled");
  const { state } = history;
  const before = structuredClone(state);
  expect(decide(state, input())).toEqual(decide(state, input()));
  expect(state).toEqual(before);
});
