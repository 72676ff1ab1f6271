import type { LanguageModelV4Message } from "@ai-sdk/provider";
import { describe, expect, test } from "vitest";
import type { AssistantPart, Message, ToolResult } from "../../engine/messages.ts";
import { type PromptTarget, toPrompt } from "./prompt.ts";

const TARGET: PromptTarget = {
  route_id: "main",
  model: "m1",
  files: new Map([
    ["png", Buffer.from("PNG")],
    ["csv", Buffer.from("1,2")],
  ]),
};
const SIGNED = { anthropic: { signature: "s" } };

function assistant(parts: AssistantPart[], route_id = "main", model = "m1"): Message {
  return { role: "assistant", id: "a", parts, route_id, model, finish_reason: "stop" };
}
function user(...parts: Extract<Message, { role: "user" }>["parts"]): Message {
  return { role: "user", id: "u", parts };
}
function results(...list: ToolResult[]): Message {
  return { role: "tool", results: list };
}
const file = (sha256: string, media_type: string) =>
  ({ type: "file", sha256, media_type, file_name: `f.${sha256}`, size_bytes: 3 }) as const;

describe("toPrompt", () => {
  test.each<{ name: string; message: Message; content: LanguageModelV4Message["content"] }>([
    {
      name: "user text",
      message: user({ type: "text", text: "Hi" }),
      content: [{ type: "text", text: "Hi" }],
    },
    {
      name: "an image",
      message: user(file("png", "image/png")),
      content: [
        {
          type: "file",
          mediaType: "image/png",
          filename: "f.png",
          data: { type: "data", data: Buffer.from("PNG") },
        },
      ],
    },
    {
      name: "a text file as words",
      message: user(file("csv", "text/csv")),
      content: [{ type: "text", text: "[Attached file f.csv]\n1,2" }],
    },
    {
      name: "a file that the model cannot be shown",
      message: user(file("zip", "application/zip")),
      content: [
        {
          type: "text",
          text: "[Attached file f.zip (application/zip, 3 bytes), which cannot be shown here.]",
        },
      ],
    },
    {
      name: "assistant text and call",
      message: assistant([
        { type: "text", text: "Look." },
        { type: "tool_call", id: "c1", name: "bash", input: { command: "ls" } },
      ]),
      content: [
        { type: "text", text: "Look." },
        { type: "tool-call", toolCallId: "c1", toolName: "bash", input: { command: "ls" } },
      ],
    },
    {
      name: "own reasoning with what the provider attached",
      message: assistant([{ type: "reasoning", text: "Hm.", provider_metadata: SIGNED }]),
      content: [{ type: "reasoning", text: "Hm.", providerOptions: SIGNED }],
    },
    {
      name: "own sealed reasoning without words",
      message: assistant([{ type: "reasoning", text: "", provider_metadata: SIGNED }]),
      content: [{ type: "reasoning", text: "", providerOptions: SIGNED }],
    },
    {
      name: "another model's answer without its reasoning and signatures",
      message: assistant(
        [
          { type: "reasoning", text: "Hm.", provider_metadata: SIGNED },
          { type: "text", text: "Look.", provider_metadata: SIGNED },
          { type: "tool_call", id: "c1", name: "bash", input: {}, provider_metadata: SIGNED },
        ],
        "main",
        "m2",
      ),
      content: [
        { type: "text", text: "Look." },
        { type: "tool-call", toolCallId: "c1", toolName: "bash", input: {} },
      ],
    },
    {
      name: "a call whose input was no object",
      message: assistant([{ type: "tool_call", id: "c1", name: "bash", input: '{"half' }]),
      content: [
        { type: "tool-call", toolCallId: "c1", toolName: "bash", input: { invalid_input: '{"half' } },
      ],
    },
    {
      name: "results of every kind",
      message: results(
        { call_id: "c1", tool_name: "t", output: "words", is_error: false },
        { call_id: "c2", tool_name: "t", output: { n: 1 }, is_error: false },
        { call_id: "c3", tool_name: "t", output: "no", is_error: true },
        { call_id: "c4", tool_name: "t", output: { no: 1 }, is_error: true },
      ),
      content: [
        { type: "tool-result", toolCallId: "c1", toolName: "t", output: { type: "text", value: "words" } },
        { type: "tool-result", toolCallId: "c2", toolName: "t", output: { type: "json", value: { n: 1 } } },
        { type: "tool-result", toolCallId: "c3", toolName: "t", output: { type: "error-text", value: "no" } },
        {
          type: "tool-result",
          toolCallId: "c4",
          toolName: "t",
          output: { type: "error-json", value: { no: 1 } },
        },
      ],
    },
    {
      name: "a result with what hooks had to say about its call",
      message: results({
        call_id: "c1",
        tool_name: "t",
        output: "words",
        is_error: false,
        hook_contexts: ["noted"],
      }),
      content: [
        {
          type: "tool-result",
          toolCallId: "c1",
          toolName: "t",
          output: { type: "json", value: { output: "words", hook_contexts: ["noted"] } },
        },
      ],
    },
  ])("translates $name", ({ message, content }) => {
    expect(toPrompt("", [message], TARGET).map((translated) => translated.content)).toEqual([content]);
  });

  test.each([
    { plainCallIds: true, id: "functions_ls_0" },
    { plainCallIds: undefined, id: "functions.ls:0" },
  ])("calls and results share the id $id", ({ plainCallIds, id }) => {
    const messages = [
      assistant([{ type: "tool_call", id: "functions.ls:0", name: "ls", input: {} }]),
      results({ call_id: "functions.ls:0", tool_name: "ls", output: "", is_error: false }),
    ];
    const prompt = toPrompt("", messages, { ...TARGET, plainCallIds });
    expect(prompt).toMatchObject([{ content: [{ toolCallId: id }] }, { content: [{ toolCallId: id }] }]);
  });

  test("puts the system prompt first and leaves out what says nothing", () => {
    const prompt = toPrompt(
      "Be brief.",
      [
        user({ type: "text", text: "  " }),
        assistant([{ type: "text", text: "" }]),
        user({ type: "text", text: "Hi" }),
      ],
      TARGET,
    );
    expect(prompt.map(({ role }) => role)).toEqual(["system", "user"]);
  });
});
