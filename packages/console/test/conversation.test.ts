import type { StreamFrame } from "@kheish/sdk";
import { expect, test } from "vitest";
import { afterAll, EMPTY } from "../src/pages/chat/conversation.ts";

const delta = (turn: number, text: string): StreamFrame => ({
  id: undefined,
  data: { type: "output_delta", run_id: "run-1", session_id: "s", turn, part: "text", text },
});
const trace = (id: string, kind: string, data: object, run_id = "run-1"): StreamFrame => ({
  id,
  data: { type: "trace", trace: { kind, run_id, data: data as never } },
});
const said = (id: string, kind: string, message: object) => trace(id, kind, { message });
const user = (id: string, text: string) =>
  said(id, "input_received", { role: "user", parts: [{ type: "text", text }] });
const agent = (id: string, ...parts: object[]) => said(id, "message_appended", { role: "assistant", parts });
const ls = { type: "tool_call", id: "c", name: "bash", input: { command: "ls" } };

test("words are shown while they are written, and once when they are whole", () => {
  const writing = afterAll(EMPTY, [user("1", "hi"), delta(0, "hel"), delta(0, "lo")]);
  expect(writing.lines).toEqual([{ key: "1-0", who: "you", text: "hi" }]);
  expect(writing.writing?.text).toBe("hello");
  const whole = afterAll(writing, [agent("2", { type: "text", text: "hello" })]);
  expect(whole.lines).toEqual([
    { key: "1-0", who: "you", text: "hi" },
    { key: "2-0", who: "agent", text: "hello" },
  ]);
  expect(whole.writing).toBeUndefined();
});

test("another turn begins anew", () => {
  const { writing } = afterAll(EMPTY, [delta(0, "first"), delta(1, "second")]);
  expect(writing?.text).toBe("second");
});

test("a turn that a restart cut off is written anew, not on", () => {
  const resumed = { id: "2", data: { type: "run_updated", run: { run_id: "run-1", status: "running" } } };
  const { writing } = afterAll(EMPTY, [delta(0, "half a"), resumed as StreamFrame, delta(0, "half a word")]);
  expect(writing?.text).toBe("half a word");
});

test("tool calls stand where they were made; the daemon's own words to the model do not appear", () => {
  const { lines } = afterAll(EMPTY, [
    agent("3", { type: "text", text: "" }, ls),
    said("4", "message_appended", {
      role: "user",
      synthetic: true,
      parts: [{ type: "text", text: "go on" }],
    }),
  ]);
  expect(lines).toMatchObject([{ key: "3-1", who: "tool", name: "bash", input: ls.input, state: "asked" }]);
});

test("a call's line goes with the call, also when another run has a call of the same id", () => {
  const begun = afterAll(EMPTY, [agent("1", ls), trace("2", "tool_call_started", { call_id: "c" })]);
  expect(begun.lines).toMatchObject([{ state: "running", failed: false }]);
  const result = { output: "no", is_error: true };
  const after = afterAll(begun, [
    trace("3", "message_appended", { message: { role: "assistant", parts: [ls] } }, "run-2"),
    trace("4", "tool_call_finished", { call_id: "c", ledger: "failed", result }),
    trace("5", "tool_call_finished", { call_id: "unheard-of", ledger: "settled", result }),
  ]);
  expect(after.lines).toMatchObject([
    { state: "failed", failed: true, output: "no" },
    { state: "asked", failed: false },
  ]);
});

test("what was used is summed, and the last call says how full the context window is", () => {
  const turn = (id: string, usage: object) =>
    said(id, "message_appended", { role: "assistant", parts: [], route_id: "r", model: "m", usage });
  const { used, context } = afterAll(EMPTY, [
    turn("1", { input_tokens: 100, output_tokens: 10, cost_microusd: 7 }),
    trace("2", "tool_call_finished", { call_id: "c", ledger: "settled" }),
    turn("3", { input_tokens: 200, output_tokens: 20 }),
  ]);
  expect(used).toEqual({
    modelCalls: 2,
    toolCalls: 1,
    inputTokens: 300,
    outputTokens: 30,
    costMicrousd: 7,
  });
  expect(context).toEqual({ tokens: 220, routeId: "r", model: "m" });
});

test("where the model's view was made shorter there is a mark, and the window is as full as it left it", () => {
  const before = afterAll(EMPTY, [
    said("1", "message_appended", {
      role: "assistant",
      parts: [],
      route_id: "r",
      model: "m",
      usage: { input_tokens: 900, output_tokens: 10 },
    }),
  ]);
  const { lines, context } = afterAll(before, [
    trace("2", "checkpoint", { checkpoint: { messages_removed: 5, post_tokens: 300, summary: {} } }),
    trace("3", "compaction_boundary", { boundary: { kind: "microcompact", tokens_freed: 9 } }),
  ]);
  expect(lines.map((line) => line.who === "mark" && line.text)).toEqual([
    "The model no longer sees 5 messages before this; they were summarised.",
    "The model no longer sees what older tools answered before this.",
  ]);
  expect(context?.tokens).toBe(300);
});
