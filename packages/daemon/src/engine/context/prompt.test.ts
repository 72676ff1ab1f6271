import { describe, expect, it } from "vitest";
import type { Message } from "../messages.ts";
import { assistant, call, foldAll, History, RUN, result, runIn } from "../testing.ts";
import { checkpointAt } from "./checkpoint.ts";
import { buildCompaction, buildTurn, type PromptInput, summaryOf } from "./prompt.ts";

const input: PromptInput = {
  session_id: "s",
  run_id: RUN,
  turn: 2,
  route: { route_id: "scripted", driver: "scripted", model: "big" },
  model: "big",
  generation: { temperature: 0.5 },
  tools: [{ name: "probe", description: "looks", input_schema: { type: "object" } }],
  workspaceRoot: "/project",
  systemPrompt: {},
};

function conversation(): History {
  const history = new History();
  history.start(RUN, "first input");
  for (let turn = 0; turn < 3; turn++) {
    history.says(assistant(`thought ${turn}`, { calls: [call(`c${turn}`)] }), turn);
    history.finishes(result(`c${turn}`, `output ${turn}`));
  }
  return history;
}

/** Cuts before the second answer. */
function cut(history: History, summary?: { title: string; content: string }): void {
  const { state } = history;
  const plan = {
    kind: "session_memory",
    headSeq: state.entries[3]?.seq ?? 0,
    removed: 3,
    preTokens: 1,
  } as const;
  history.add("checkpoint", { run_id: RUN, checkpoint: checkpointAt(state, runIn(state), plan, summary) });
}

function wordsOf(message: Message | undefined): string {
  return message?.role === "user" || message?.role === "assistant"
    ? message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("")
    : "";
}

describe("01-R78: the request of a turn", () => {
  it("is rebuilt from the fold: the same journal is the same request, byte by byte", () => {
    const history = conversation();
    expect(JSON.stringify(buildTurn(history.state, input))).toBe(
      JSON.stringify(buildTurn(foldAll(structuredClone(history.events)), input)),
    );
  });

  it("holds the conversation, the tools and what the run is pinned to", () => {
    const history = conversation();
    const request = buildTurn(history.state, input);
    expect(request).toMatchObject({ ...omitRoot(input), kind: "turn" });
    expect(request.messages).toEqual(history.state.entries.map((entry) => entry.message));
    expect(request.system).toContain("/project");
  });

  it.each([
    [{}, ["/project", "never instructions"], []],
    [{ append_prompt: "Be brief." }, ["/project", "Be brief."], []],
    [{ custom_prompt: "You bake." }, ["You bake."], ["/project"]],
    [
      { custom_prompt: "You bake.", append_prompt: "Be brief.", language: "French", output_style: "terse" },
      ["You bake.\nBe brief.\nWrite your answers in French.\nStyle of your answers: terse"],
      ["/project"],
    ],
    [
      { override_prompt: "Only this.", custom_prompt: "no", append_prompt: "no", language: "no" },
      ["Only this."],
      ["/project", "no"],
    ],
  ])("02 SystemPromptSettings %j say what stands before the conversation", (systemPrompt, has, hasNot) => {
    const { state } = conversation();
    const requests = [
      buildTurn(state, { ...input, systemPrompt }),
      buildCompaction(state, state.entries[2]?.seq ?? 0, { ...input, systemPrompt }),
    ];
    for (const { system } of requests) {
      for (const text of has) expect(system).toContain(text);
      for (const text of hasNot) expect(system).not.toContain(text);
    }
  });

  it("02 SystemPromptSettings: an override still leaves the run's contract told", () => {
    const answerSchema = { type: "object" } as NonNullable<PromptInput["answerSchema"]>;
    const systemPrompt = { override_prompt: "Only this." };
    const { system } = buildTurn(conversation().state, { ...input, systemPrompt, answerSchema });
    expect(system).toMatch(/^Only this\.\n.*JSON Schema/);
  });

  it("01-R81: begins with the summary of what is gone, and with the open tasks", () => {
    const history = conversation();
    const todos = [
      { content: "write it", completed: false },
      { content: "read it", completed: true },
    ];
    history.add("todos_updated", { run_id: RUN, todos });
    cut(history, { title: "so far", content: "It was all about boats." });
    const [notice, ...rest] = buildTurn(history.state, input).messages;
    expect(notice).toMatchObject({ role: "user", synthetic: true });
    expect(wordsOf(notice)).toContain("3 earlier messages");
    expect(wordsOf(notice)).toContain("It was all about boats.");
    expect(wordsOf(notice)).toContain("- [ ] write it\n- [x] read it");
    expect(rest.map(wordsOf), "the run's input stays").toEqual([
      "first input",
      "thought 1",
      "",
      "thought 2",
      "",
    ]);
  });

  it("says that messages are gone also when nobody summarised them", () => {
    const history = conversation();
    cut(history);
    const [notice] = buildTurn(history.state, input).messages;
    expect(wordsOf(notice)).toBe("[3 earlier messages of this conversation are no longer shown.]");
  });
});

describe("01-R81: the request for a summary", () => {
  it("shows what is about to go and nothing of what stays, and allows no tool", () => {
    const { state } = conversation();
    const request = buildCompaction(state, state.entries[3]?.seq ?? 0, input);
    expect(request).toMatchObject({ kind: "compaction", tools: [], generation: {} });
    expect(request.messages.map(wordsOf).slice(0, -1)).toEqual(["first input", "thought 0", ""]);
    const last = wordsOf(request.messages.at(-1));
    for (const part of [
      "Intent",
      "concepts",
      "Files, commands and tools",
      "Errors",
      "Problem solving",
      "user messages",
    ]) {
      expect(last).toContain(part);
    }
    for (const part of ["Pending tasks", "Current work", "Next step"]) expect(last).toContain(part);
  });

  it("shows the earlier summary too, so that the new one can carry it on", () => {
    const history = conversation();
    cut(history, { title: "so far", content: "It was all about boats." });
    const { state } = history;
    const request = buildCompaction(state, state.entries[2]?.seq ?? 0, input);
    expect(wordsOf(request.messages[0])).toContain("It was all about boats.");
  });

  it.each([
    ["<scratch>hm</scratch>\n<summary>\n the point \n</summary>", "the point"],
    ["<summary>cut off at the lim", "cut off at the lim"],
    ["no sections at all", "no sections at all"],
    ["<scratch>only thoughts</scratch> and an answer", "and an answer"],
    ["<scratch>only thoughts</scratch>", ""],
    ["<summary></summary>", ""],
    ["", ""],
  ])("of the answer %j only %j is kept", (text, summary) => {
    expect(summaryOf(text)).toBe(summary);
  });
});

function omitRoot({ workspaceRoot: _root, systemPrompt: _prompt, ...rest }: PromptInput) {
  return rest;
}
