import type { Json } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import { call, contextOf, mismatch, useWorkspace } from "../testing/harness.ts";
import { askUserQuestionTool } from "./ask-user-question.ts";
import { todoWriteTool } from "./todo-write.ts";

const workspace = useWorkspace();
const ask = askUserQuestionTool();
const todo = todoWriteTool();

async function asked(input: Json, clock = new SimulatedClock(1_000)) {
  const parsed = ask.parse(input);
  if (!parsed.ok) throw new Error(parsed.error);
  expect(ask.parse(parsed.input)).toEqual(parsed);
  return ask.execute(parsed.input, contextOf(workspace, { clock }));
}

const yesNo = [{ label: "Yes" }, { label: "No" }];
const deploy = { question: "Deploy?", options: yesNo };

describe("ask_user_question", () => {
  it("fills in ids and headers", async () => {
    expect(
      await asked({
        questions: [
          { ...deploy, question: "  Deploy?  " },
          { ...deploy, question: "Sure?" },
        ],
      }),
    ).toEqual({
      kind: "ask",
      questions: [
        {
          id: "question-1",
          header: "Question 1",
          question: "Deploy?",
          options: [
            { id: "option-1", label: "Yes" },
            { id: "option-2", label: "No" },
          ],
          multi_select: false,
        },
        {
          id: "question-2",
          header: "Question 2",
          question: "Sure?",
          options: [
            { id: "option-1", label: "Yes" },
            { id: "option-2", label: "No" },
          ],
          multi_select: false,
        },
      ],
    });
  });

  it("01-R35 takes null for what is left out", async () => {
    const nulls = { id: null, header: null, text: null, multi_select: null };
    const options = yesNo.map((option) => ({ ...option, id: null, preview: null }));
    const plain = await asked({ questions: [deploy] });
    const question = { ...deploy, options };
    expect(await asked({ questions: [{ ...nulls, ...question }], expires_at_ms: null })).toEqual(plain);
    expect(await asked({ ...nulls, ...question, questions: null, expires_after_ms: null })).toEqual(plain);
  });

  it("keeps what is given", async () => {
    const question = {
      id: "q",
      header: "Deployment",
      question: "Deploy?",
      options: [
        { id: "y", label: "Yes", description: "now", preview: "$ deploy" },
        { id: "n", label: "No" },
      ],
      multi_select: true,
    };
    expect(await asked({ questions: [question] })).toEqual({ kind: "ask", questions: [question] });
  });

  it("takes one question at top level, and `text` for `question`", async () => {
    const canonical = await asked({ questions: [deploy] });
    expect(await asked(deploy)).toEqual(canonical);
    expect(await asked({ text: "Deploy?", options: yesNo })).toEqual(canonical);
    expect(await asked({ questions: [{ text: "Deploy?", options: yesNo }] })).toEqual(canonical);
  });

  it("counts expires_after_ms from now", async () => {
    expect(await asked({ questions: [deploy], expires_after_ms: 500 })).toMatchObject({
      expires_at_ms: 1_500,
    });
    expect(await asked({ ...deploy, expires_at_ms: 1_001 })).toMatchObject({ expires_at_ms: 1_001 });
    expect(await asked(deploy)).not.toHaveProperty("expires_at_ms");
  });

  it("refuses a question that nobody could answer in time", async () => {
    expect(await asked({ ...deploy, expires_at_ms: 1_000 })).toMatchObject({
      kind: "result",
      is_error: true,
    });
  });

  it.each<[string, Json, string]>([
    ["the shorthand mixed with a list", { ...deploy, questions: [deploy] }, "not both"],
    ["a question under two names", { questions: [{ ...deploy, text: "x" }] }, "$.questions[0]: 'text'"],
    ["both ways to expire", { ...deploy, expires_at_ms: 1, expires_after_ms: 1 }, "not both"],
    ["an expiry that is over at once", { ...deploy, expires_after_ms: 0 }, "$.expires_after_ms"],
    ["no question at all", {}, "$.questions: this field is required"],
    ["no list", [], "expected object"],
    ["an empty list", { questions: [] }, "$.questions"],
    ["five questions", { questions: Array.from({ length: 5 }, () => deploy) }, "$.questions"],
    ["a blank question", { questions: [{ ...deploy, question: " " }] }, "$.questions[0].question"],
    ["one option", { ...deploy, options: [{ label: "Yes" }] }, "$.questions[0].options"],
    [
      "five options",
      { ...deploy, options: ["a", "b", "c", "d", "e"].map((label) => ({ label })) },
      "options",
    ],
    ["an option without label", { ...deploy, options: [{ id: "a" }, { label: "b" }] }, "options[0].label"],
    ["an unknown field", { questions: [{ ...deploy, multiple: true }] }, "unknown field 'multiple'"],
    [
      "one question twice, ignoring case",
      { questions: [deploy, { ...deploy, question: "dePLOY?" }] },
      "$.questions[1].question",
    ],
    [
      "one label twice, ignoring case",
      { ...deploy, options: [{ label: "Yes" }, { label: "yes" }] },
      "$.questions[0].options[1].label",
    ],
    [
      "one option id twice",
      {
        ...deploy,
        options: [
          { id: "a", label: "Yes" },
          { id: "a", label: "No" },
        ],
      },
      "$.questions[0].options[1].id",
    ],
    [
      "a question id that a default takes",
      {
        questions: [
          { ...deploy, id: "question-2" },
          { ...deploy, question: "Sure?" },
        ],
      },
      "$.questions[1].id",
    ],
  ])("refuses %s", (_, input, expected) => {
    expect(mismatch(ask, input)).toContain(expected);
  });
});

describe("todo_write", () => {
  it("replaces the list, and commits it with the result", async () => {
    const todos = [
      { id: "todo-1", content: "look", completed: false },
      { id: "mine", content: "fix", completed: true },
    ];
    const input = { todos: [{ content: " look " }, { id: "mine", content: "fix", completed: true }] };
    expect(await call(todo, input, contextOf(workspace))).toEqual({
      kind: "result",
      is_error: false,
      output: { todos },
      state: { type: "todos", todos },
    });
    expect(await call(todo, { todos: [] }, contextOf(workspace))).toMatchObject({ state: { todos: [] } });
  });

  it("gives a new item before an old one an id of its own", async () => {
    const input = { todos: [{ content: "new" }, { id: "todo-1", content: "old" }, { content: "newer" }] };
    const { output } = await call(todo, input, contextOf(workspace));
    expect(output).toMatchObject({ todos: [{ id: "todo-2" }, { id: "todo-1" }, { id: "todo-3" }] });
  });

  it("refuses one id for two items", () => {
    const item = { id: "a", content: "x" };
    expect(mismatch(todo, { todos: [item, item] })).toBe(
      "Invalid input at $.todos[1].id: 'a' is given twice.",
    );
  });
});
