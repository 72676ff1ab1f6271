import type { Json, StreamEvent } from "@kheish/contract";
import pc from "picocolors";
import { describe, expect, it } from "vitest";
import { NOW, pendingQuestion, runView, waitingRun } from "../testing/samples.ts";
import { advance, reconnection } from "./advance.ts";
import { liveLines } from "./live-lines.ts";
import { type WatchState, watchStateOf } from "./state.ts";
import type { WatchView } from "./view.ts";

const view: WatchView = {
  style: { colors: pc.createColors(false), columns: 60, now: NOW },
  answers: (run) => [`answer ${run.run_id}`],
};

const trace = (kind: string, data: Json, timestamp_ms = NOW): StreamEvent => ({
  type: "trace",
  trace: { kind, run_id: "run-1", timestamp_ms, data },
});
const updated = (run = runView()): StreamEvent => ({ type: "run_updated", run });
const delta = (text: string, turn = 0, part: "text" | "reasoning" = "text"): StreamEvent => ({
  type: "output_delta",
  run_id: "run-1",
  session_id: "s1",
  turn,
  part,
  text,
});
const message = (text: string, calls: Json[] = []): StreamEvent =>
  trace("message_appended", {
    turn: 0,
    message: {
      role: "assistant",
      parts: [{ type: "reasoning", text: "hm" }, { type: "text", text }, ...calls],
      usage: { input_tokens: 1_000, output_tokens: 20 },
    },
  });
const bashCall = { type: "tool_call", id: "c1", name: "bash", input: { command: "make" } };
const started = (attempt = 1) =>
  trace("tool_call_started", { call_id: "c1", tool_name: "bash", attempt, effect: "once" }, NOW - 1_500);
const finished = (output: Json, is_error = false) =>
  trace("tool_call_finished", { call_id: "c1", result: { tool_name: "bash", output, is_error } });

/** What a sequence of events leaves: the transcript, the state and the live part below it. */
function watch(events: readonly StreamEvent[], from: WatchState = watchStateOf(runView(), false)) {
  let state = from;
  const transcript: string[] = [];
  for (const event of events) {
    const step = advance(state, event, view);
    state = step.state;
    transcript.push(...step.lines);
  }
  return { state, transcript, live: liveLines(state, view.style, 10) };
}

describe("the transcript", () => {
  it("shows turns as they were committed", () => {
    const { transcript } = watch([
      trace("input_received", {
        message: { role: "user", parts: [{ type: "text", text: "please\nbuild" }] },
      }),
      message("Building.\n", [bashCall]),
      started(),
      finished({ stdout: "ok" }),
      message("Done."),
    ]);
    expect(transcript).toEqual([
      "",
      "> please",
      "> build",
      "",
      "Building.",
      '  ✓ bash {"command":"make"}  1.5s',
      "",
      "Done.",
    ]);
  });

  it("shows what went wrong with a call, and that it was tried again", () => {
    const { transcript } = watch([message("", [bashCall]), started(2), finished({ error: "exit\n2" }, true)]);
    expect(transcript).toEqual(["  bash: attempt 2", '  x bash {"command":"make"}  1.5s: exit 2']);
    expect(watch([finished("no such tool", true)]).transcript).toEqual(["  x bash: no such tool"]);
  });

  it("keeps to the width, and lets no text steer the terminal", () => {
    const command = { ...bashCall, input: { command: `\u001b[2J${"long ".repeat(50)}` } };
    const { transcript } = watch([message("\u001b]0;x\u0007hi", [command]), started(), finished("")]);
    expect(transcript[1]).toBe("hi");
    expect(transcript[2]).toMatch(/^ {2}✓ bash \{"command":.*long.*…/);
    expect(transcript[2]?.length).toBeLessThanOrEqual(60);
    expect(transcript.join("")).not.toContain("\u001b");
  });

  it("shortens a long input", () => {
    const text = Array.from({ length: 9 }, (_, index) => `line ${index}`).join("\n");
    const input = trace("input_received", { message: { role: "user", parts: [{ type: "text", text }] } });
    expect(watch([input]).transcript.slice(-2)).toEqual(["> line 5", "> ... 3 more lines"]);
  });

  it("shows denials, compaction and takeovers, and not what was allowed", () => {
    const audit = (decision: string) =>
      trace("permission_audit", { audit: { tool_name: "bash", decision, reason: "rule" } });
    const { transcript } = watch([
      audit("allow"),
      audit("deny"),
      trace("compaction_boundary", { boundary: { kind: "snip", head_seq: 4 } }),
      trace("resumed", { attempt: 2 }),
    ]);
    expect(transcript).toEqual([
      "  denied bash: rule",
      "  context compacted (snip)",
      "resumed by a daemon that took over (attempt 2)",
    ]);
  });

  it("shows a wait once, with the commands that end it", () => {
    const { transcript } = watch([updated(waitingRun()), updated(waitingRun({ updated_at_ms: NOW }))]);
    expect(transcript).toEqual([
      "",
      "waiting for approval",
      '  bash {"command":"make"}  (approval required)',
      "  answer run-1",
    ]);
  });

  it("shows a question with its options", () => {
    const { request } = pendingQuestion();
    const members = { pending_question_ids: [request.id], pending_questions: [request] };
    const run = runView({ status: "waiting_for_user_question", ...members });
    expect(watch([updated(run)]).transcript).toEqual([
      "",
      "waiting for user question",
      "Colour: Which colour?",
      "  1. Dark red",
      "  2. Blue  like the sky",
      "  answer run-1",
    ]);
  });

  it("ends with how the run ended, once", () => {
    const run = runView({ status: "failed", finished_at_ms: NOW, error: "first\nsecond" });
    const { transcript, live } = watch([updated(run), updated(run)]);
    expect(transcript).toEqual(["", "failed after 2m 50s", "  first", "  second"]);
    expect(live).toEqual([]);
  });

  it("shows outputs, but the assistant's text only once", () => {
    const output = (source_kind: string): StreamEvent => ({
      type: "output",
      output: { session_id: "s1", content: "sent", source_kind, address: null },
    });
    expect(watch([output("assistant_text"), output("emit_output")]).transcript).toEqual(["", "sent"]);
  });

  it("ignores what it does not know", () => {
    const unknown = [trace("news", {}), trace("message_appended", { message: 7 }), trace("resumed", null)];
    const synthetic = trace("message_appended", {
      turn: 1,
      message: { role: "user", parts: [{ type: "text", text: "go on" }] },
    });
    expect(watch([...unknown, synthetic, { type: "heartbeat" }]).transcript).toEqual([]);
  });
});

describe("the live part", () => {
  const statusLine = "running 2m 50s, 0 in, 0 out";

  it("shows text as it is written, until it is committed", () => {
    const writing = watch([delta("Hel"), delta("lo\nyou")]);
    expect(writing.transcript).toEqual([]);
    expect(writing.live).toEqual(["Hello", "you", statusLine]);
    const written = watch([message("Hello\nyou")], writing.state);
    expect(written.live).toEqual(["running 2m 50s, 1,000 in, 20 out"]);
  });

  it("begins anew with another turn or part", () => {
    expect(watch([delta("hm", 0, "reasoning"), delta("Hello")]).live).toEqual(["Hello", statusLine]);
    expect(watch([delta("one"), delta("two", 1)]).live).toEqual(["two", statusLine]);
  });

  it("shows calls that run, and those only", () => {
    const asked = watch([message("", [bashCall])]);
    expect(asked.live).toHaveLength(1);
    const running = watch([started()], asked.state);
    expect(running.live[0]).toBe('  ~ bash {"command":"make"}  1.5s');
    expect(watch([finished("")], running.state).live).toHaveLength(1);
  });

  it("never outgrows its room", () => {
    const { state } = watch([delta("x".repeat(5_000))]);
    const live = liveLines(state, view.style, 4);
    expect(live).toHaveLength(4);
    for (const line of live) expect(line.length).toBeLessThan(60);
    expect(liveLines(state, view.style, 1)).toEqual([statusLine]);
  });

  it("says that the connection is lost, and forgets half a text", () => {
    const { state } = watch([delta("half a")]);
    const lost = reconnection(state, false, view);
    expect(lost.lines).toEqual([]);
    expect(liveLines(lost.state, view.style, 4)).toEqual([`${statusLine}, connection lost, reconnecting`]);
    const back = reconnection(lost.state, true, view);
    expect(back.lines).toEqual(["reconnected"]);
    expect(liveLines(back.state, view.style, 4)).toEqual([statusLine]);
  });

  it("counts the tokens of a run that is shown from its start", () => {
    const usage = { cached_input_tokens: 0, model_calls: 1, tool_calls: 0, restarts: 0 };
    const run = runView({ usage: { input_tokens: 9, output_tokens: 9, ...usage } });
    expect(watchStateOf(run, false).usage).toMatchObject({ input_tokens: 9 });
    expect(watchStateOf(run, true).usage).toEqual({ input_tokens: 0, output_tokens: 0 });
  });
});
