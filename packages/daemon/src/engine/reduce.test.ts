import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkpointAt } from "./context/checkpoint.ts";
import { CLEARED_OUTPUT } from "./context/visible-output.ts";
import type { ToolMessage } from "./messages.ts";
import { reduce } from "./reduce.ts";
import { emptyState } from "./state.ts";
import { assistant, call, History, RUN, result, runIn, user } from "./testing.ts";

function withCalls(...ids: string[]): History {
  const history = new History();
  history.start();
  history.says(assistant("", { calls: ids.map((id) => call(id)) }));
  return history;
}

function resultsIn(history: History): string[][] {
  return history.state.entries.flatMap(({ message }) =>
    message.role === "tool" ? [message.results.map((one) => one.call_id)] : [],
  );
}

function phases(history: History): string[] {
  return runIn(history.state).calls.map((one) => one.phase);
}

describe("results", () => {
  const orders = fc.shuffledSubarray(["a", "b", "c", "d", "e"], { minLength: 5, maxLength: 5 });

  it("03-R7: stand in the order of the calls, whatever order they came in", () => {
    fc.assert(
      fc.property(orders, fc.nat({ max: 5 }), (order, done) => {
        const history = withCalls("a", "b", "c", "d", "e");
        for (const id of order.slice(0, done)) history.finishes(result(id));
        const known = order.slice(0, done).sort();
        expect(resultsIn(history)).toEqual(done === 0 ? [] : [known]);
      }),
    );
  });

  it("03-R7: stay in that order when the run is over and its journal is folded again", () => {
    const history = withCalls("a", "b");
    history.finishes(result("b"));
    history.finishes(result("a"));
    history.add("cancelled", { run_id: RUN });
    const later = history.events.slice(2).reduce(reduce, emptyState());
    expect(later.run).toBeUndefined();
    expect(later.entries.at(-1)?.message).toMatchObject({ results: [{ call_id: "a" }, { call_id: "b" }] });
  });

  it("stand behind their own message, also when ids come again", () => {
    const history = withCalls("a", "b");
    for (const id of ["b", "a"]) history.finishes(result(id));
    history.says(assistant("", { calls: [call("b"), call("a")] }), 1);
    for (const id of ["a", "b"]) history.finishes(result(id));
    expect(resultsIn(history)).toEqual([
      ["a", "b"],
      ["b", "a"],
    ]);
  });

  it("01-R83: are shown cut when they are large, and the run keeps the raw one", () => {
    const history = withCalls("a");
    history.finishes(result("a", "x".repeat(40_000)));
    const shown = history.state.entries.at(-1);
    expect(shown?.message).toHaveProperty(
      "results.0.output._kheish_prompt_visible_tool_output.truncated",
      true,
    );
    expect(shown?.tokens).toBeLessThan(10_000);
    expect(runIn(history.state).calls[0]?.result?.output).toHaveLength(40_000);
  });

  it("count as tool calls unless they never left, and name the files they wrote", () => {
    const history = withCalls("a", "b", "c");
    const path = "out.md";
    history.finishes(result("a"), { context_updates: [{ type: "file_modified", path }] });
    history.finishes(result("b"), { ledger: "denied" });
    history.finishes(result("c"), {
      ledger: "unknown",
      context_updates: [{ type: "file_read", path: "in.md" }],
    });
    const run = runIn(history.state);
    expect(run.usage.tool_calls).toBe(2);
    expect([...run.files_modified]).toEqual([path]);
  });
});

describe("a call", () => {
  it("goes from requested over allowed and dispatched to settled", () => {
    const history = withCalls("a");
    const seen = [phases(history)];
    const steps = [
      () => history.allows("a"),
      () => history.dispatches("a"),
      () => history.finishes(result("a")),
    ];
    for (const step of steps) {
      step();
      seen.push(phases(history));
    }
    expect(seen).toEqual([["requested"], ["allowed"], ["dispatched"], ["settled"]]);
    expect(runIn(history.state).calls[0]).toMatchObject({
      attempt: 1,
      effect: "read",
      idempotency_key: "key-a",
      result: { call_id: "a" },
    });
  });

  it("that was asked about runs with the input its approver edited", () => {
    const history = withCalls("a", "b");
    const ask = (id: string) => ({
      id: `ask-${id}`,
      tool_call_id: id,
      tool_name: "probe",
      scope: "default",
      reason: "",
    });
    history.add("waiting_for_approval", { run_id: RUN, message_seq: 3, requests: [ask("a"), ask("b")] });
    expect(phases(history)).toEqual(["asking_approval", "asking_approval"]);
    const resolutions = [{ request_id: "ask-a", behavior: "allow" as const, updated_input: { safe: true } }];
    history.add("approval_resolved", { run_id: RUN, resolutions, decided_by: "me", pending: ["ask-b"] });
    expect(phases(history)).toEqual(["allowed", "asking_approval"]);
    expect(runIn(history.state).calls[0]?.call.input).toEqual({ safe: true });
  });

  it("that is denied waits for the result that says so", () => {
    const history = withCalls("a");
    const request = { id: "ask-a", tool_call_id: "a", tool_name: "probe", scope: "default", reason: "" };
    history.add("waiting_for_approval", { run_id: RUN, message_seq: 3, requests: [request] });
    const resolutions = [{ request_id: "ask-a", behavior: "deny" as const }];
    history.add("approval_resolved", { run_id: RUN, resolutions, decided_by: "me", pending: [] });
    expect(phases(history)).toEqual(["asking_approval"]);
    history.finishes(result("a"), { ledger: "denied" });
    expect(phases(history)).toEqual(["settled"]);
  });

  it("that was read back as not applied may be dispatched again, with its attempts counted on", () => {
    const history = withCalls("a");
    history.allows("a");
    history.dispatches("a", 2);
    history.add("effect_not_applied", { run_id: RUN, call_id: "a" });
    expect(runIn(history.state).calls[0]).toMatchObject({ phase: "allowed", attempt: 2 });
  });

  it("01-R93 whose last attempt did nothing may still have done something before, unless that was read back", () => {
    const history = withCalls("a");
    history.allows("a");
    history.dispatches("a", 1);
    history.dispatches("a", 2);
    history.add("effect_not_applied", { run_id: RUN, call_id: "a", attempt: 2 });
    expect(runIn(history.state).calls[0]).toMatchObject({ phase: "allowed", left_before: true });
    history.dispatches("a", 3);
    history.add("effect_not_applied", { run_id: RUN, call_id: "a" });
    expect(runIn(history.state).calls[0]).not.toHaveProperty("left_before");
  });

  it.each([
    ["run_again", "allowed"],
    ["happened", "asking_user"],
    ["tell_model", "asking_user"],
  ])("of unknown outcome, answered %s, is %s", (option, phase) => {
    const history = withCalls("a");
    history.allows("a");
    history.dispatches("a");
    const request = { id: "q", tool_call_id: "a", questions: [], created_at_ms: 0 };
    const about = { unknown_call_id: "a", tool_name: "probe" };
    history.add("waiting_for_user_question", { run_id: RUN, request, about });
    expect(phases(history)).toEqual(["asking_user"]);
    const answers = [{ question_id: "question-1", selected_option_ids: [option] }];
    const resolution = { request_id: "q", answers, declined: false };
    history.add("user_question_resolved", { run_id: RUN, resolution, decided_by: "me" });
    expect(phases(history)).toEqual([phase]);
    expect(runIn(history.state).question).toBeUndefined();
  });
});

describe("a run", () => {
  it("begins anew with `started` and is gone with its terminal event", () => {
    for (const type of ["completed", "interrupted", "cancelled"] as const) {
      const history = withCalls("a");
      history.add(type, { run_id: "run-9" });
      expect(history.state.run?.run_id).toBe(RUN);
      history.add(type, { run_id: RUN });
      expect(history.state.run).toBeUndefined();
      history.start("run-2");
      expect(runIn(history.state)).toMatchObject({ run_id: "run-2", turn: 0, calls: [] });
    }
  });

  it("is not moved by events of another one", () => {
    const history = withCalls("a");
    const before = structuredClone(runIn(history.state));
    history.dispatches("a", 1, "run-9");
    history.add("resumed", { run_id: "run-9", attempt: 1 });
    history.says(assistant("", { calls: [call("z")] }), 5, "run-9");
    expect(runIn(history.state)).toEqual(before);
  });

  it("adds up what its model calls used", () => {
    const history = new History();
    history.start();
    const usage = { input_tokens: 10, output_tokens: 3, cached_input_tokens: 4 };
    history.says(assistant("", { calls: [call("a")], usage }), 0);
    history.finishes(result("a"));
    history.says(assistant("done", { usage: { input_tokens: 20, output_tokens: 5 } }), 1);
    expect(runIn(history.state).usage).toEqual({
      input_tokens: 30,
      output_tokens: 8,
      cached_input_tokens: 4,
      model_calls: 2,
      tool_calls: 1,
      restarts: 0,
    });
    expect(runIn(history.state).turn).toBe(2);
  });

  it("01-R86 01-R36: counts the daemon's nudges by their kind, and they are no turns", () => {
    const history = new History();
    history.start();
    for (const nudge of ["output", "requirement", "output"] as const) {
      history.add("message_appended", { run_id: RUN, turn: 0, nudge, message: user("go on") });
    }
    expect(runIn(history.state)).toMatchObject({ output_nudges: 2, requirement_nudges: 1, turn: 0 });
  });

  it("counts takeovers since its last progress, and every one as a restart", () => {
    const history = withCalls("a");
    const takeOver = (attempt: number) => history.add("resumed", { run_id: RUN, attempt });
    takeOver(1);
    takeOver(2);
    expect(runIn(history.state)).toMatchObject({ takeovers: 2, usage: { restarts: 2 } });
    history.finishes(result("a"));
    expect(runIn(history.state)).toMatchObject({ takeovers: 0, usage: { restarts: 2 } });
    takeOver(1);
    history.says(assistant("done"), 1);
    expect(runIn(history.state)).toMatchObject({ takeovers: 0, usage: { restarts: 3 } });
  });

  it("01-R85: remembers the remedies of a turn until the turn succeeds, and the fallback for good", () => {
    const history = new History();
    history.start();
    const fail = (next: "snip" | "compact" | "fallback" | "fail") =>
      history.add("model_call_failed", {
        run_id: RUN,
        turn: 0,
        model: "big",
        error: { class: "context_window_exceeded", message: "too long", retryable: false },
        next,
      });
    for (const next of ["snip", "compact", "fallback"] as const) fail(next);
    expect(runIn(history.state)).toMatchObject({
      remedy: "fallback",
      fallback_active: true,
      model_given_up: false,
    });
    expect([...runIn(history.state).tried]).toEqual(["snip", "compact", "fallback"]);
    history.says(assistant("", { calls: [call("a")] }));
    expect(runIn(history.state)).toMatchObject({ fallback_active: true, tried: new Set() });
    expect(runIn(history.state)).not.toHaveProperty("remedy");
    fail("fail");
    expect(runIn(history.state).model_given_up).toBe(true);
  });

  it("02-A8: remembers where in its fallback chain it stands, from target to target and over a checkpoint", () => {
    const history = new History();
    history.start();
    const fallTo = (position: number) =>
      history.add("model_call_failed", {
        run_id: RUN,
        turn: 0,
        model: "big",
        error: { class: "transport", message: "gone", retryable: true },
        next: "fallback",
        fallback: {
          position,
          target: { route_id: `r${position}`, driver: "openai", model: "m" },
          skipped: [],
        },
      });
    fallTo(0);
    fallTo(2);
    const place = { position: 2, target: { route_id: "r2", driver: "openai", model: "m" } };
    expect(runIn(history.state).fallback).toEqual(place);
    const plan = { kind: "session_memory" as const, headSeq: 1, removed: 0, preTokens: 1 };
    const kept = checkpointAt(history.state, runIn(history.state), plan);
    const later = new History();
    later.start();
    later.add("checkpoint", { run_id: RUN, checkpoint: kept });
    expect(runIn(later.state).fallback).toEqual(place);
  });

  it("knows whether it did something since it was last woken", () => {
    const history = withCalls("a");
    expect(runIn(history.state).active_since_wake).toBe(true);
    const request = { id: "ask-a", tool_call_id: "a", tool_name: "probe", scope: "default", reason: "" };
    history.add("waiting_for_approval", { run_id: RUN, message_seq: 3, requests: [request] });
    const resolutions = [{ request_id: "ask-a", behavior: "deny" as const }];
    history.add("approval_resolved", { run_id: RUN, resolutions, decided_by: "me", pending: [] });
    history.finishes(result("a"), { ledger: "denied" });
    expect(runIn(history.state).active_since_wake, "a result that came with the answer").toBe(false);
    history.says(assistant("", { calls: [call("b")] }), 1);
    expect(runIn(history.state).active_since_wake).toBe(true);
  });
});

describe("01-R78b: a microcompaction", () => {
  it("blanks the results it names where they stand, and no other of the same id", () => {
    const history = withCalls("a", "b");
    const first = history.events.length + 1;
    for (const id of ["a", "b"]) history.finishes(result(id, `old ${id}`));
    history.says(assistant("", { calls: [call("a")] }), 1);
    history.finishes(result("a", "new a"));
    const before = history.state.entries.map((entry) => entry.tokens);
    const cleared = [{ seq: first, call_id: "a" }];
    history.add("compaction_boundary", {
      run_id: RUN,
      boundary: { kind: "microcompact", cleared, tokens_freed: 1 },
    });
    const tools = history.state.entries.flatMap(({ message }) => (message.role === "tool" ? [message] : []));
    expect(tools.map(outputs)).toEqual([[CLEARED_OUTPUT, "old b"], ["new a"]]);
    expect(history.state.entries[2]?.tokens).not.toBe(before[2]);
  });
});

function outputs(message: ToolMessage) {
  return message.results.map((one) => one.output);
}
