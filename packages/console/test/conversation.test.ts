import type { StreamFrame } from "@kheish/sdk";
import { expect, test } from "vitest";
import { afterAll, EMPTY } from "../src/pages/chat/conversation.ts";

const delta = (turn: number, text: string): StreamFrame => ({
  id: undefined,
  data: { type: "output_delta", run_id: "run-1", session_id: "s", turn, part: "text", text },
});
const said = (id: string, kind: string, message: object): StreamFrame => ({
  id,
  data: { type: "trace", trace: { kind, run_id: "run-1", data: { message } as never } },
});
const user = (id: string, text: string) =>
  said(id, "input_received", { role: "user", parts: [{ type: "text", text }] });
const agent = (id: string, ...parts: object[]) => said(id, "message_appended", { role: "assistant", parts });

test("words are shown while they are written, and once when they are whole", () => {
  const writing = afterAll(EMPTY, [user("1", "hi"), delta(0, "hel"), delta(0, "lo")]);
  expect(writing.lines.map(({ text }) => text)).toEqual(["hi"]);
  expect(writing.writing?.text).toBe("hello");
  const whole = afterAll(writing, [agent("2", { type: "text", text: "hello" })]);
  expect(whole).toEqual({
    lines: [
      { key: "1-0", who: "you", text: "hi" },
      { key: "2-0", who: "agent", text: "hello" },
    ],
    writing: undefined,
  });
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
    agent(
      "3",
      { type: "text", text: "" },
      { type: "tool_call", id: "c", name: "bash", input: { command: "ls" } },
    ),
    said("4", "message_appended", {
      role: "user",
      synthetic: true,
      parts: [{ type: "text", text: "go on" }],
    }),
  ]);
  expect(lines).toEqual([{ key: "3-1", who: "tool", text: 'bash {"command":"ls"}' }]);
});
