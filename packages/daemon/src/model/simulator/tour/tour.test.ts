import type { Json } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { ToolCall } from "../../../engine/messages.ts";
import { SimulatedClock } from "../../../kernel/clock.ts";
import { ask, type PlayedTool, play, simulatorRequest } from "../../testing/conversation.ts";
import { userMessage } from "../../testing/kit.ts";
import { SimulatorDriver } from "../index.ts";
import { DOCUMENTS, READMES, REPORT_FILE, SOURCES } from "./plan.ts";

const TOUR = userMessage('{"simulate":"tour","delay_ms":0}');

/** A workspace of a few files, and a user who answers `format`; undefined declines. */
function workspace(paths: Record<string, string[]>, readme: string | undefined, format?: string) {
  const written: string[] = [];
  const tool: PlayedTool = ({ name, input }: ToolCall) => {
    const { pattern = "", path = "", content = "" } = input as Record<string, string>;
    switch (name) {
      case "glob_search":
        return {
          base: ".",
          pattern,
          paths: paths[pattern] ?? [],
          truncated: pattern === SOURCES && pattern in paths,
        };
      case "grep_search":
        return {
          base: ".",
          pattern,
          matches: [{ path: "src/a.ts", line: 3, text: "  export function `a`() {" }],
        };
      case "read_file":
        return path === REPORT_FILE
          ? { path, content: written.at(-1) ?? "" }
          : readme && { path, content: readme };
      case "ask_user_question":
        return answer(format);
      case "write_file":
        written.push(content);
        return { path, bytes_written: content.length };
      default:
        throw new Error(`the tour may not call ${name}`);
    }
  };
  return { tool, written };
}

function answer(format: string | undefined): Json {
  if (format === undefined) return { request_id: "q", declined: true, justification: null };
  const option = { id: format, label: format === "short" ? "Short" : "Detailed" };
  return {
    request_id: "q",
    declined: false,
    summary: `Which kind of report should I write?: ${option.label}`,
    answers: [{ question_id: "format", selected_option_ids: [format], selected_options: [option] }],
  };
}

const FILES = {
  [DOCUMENTS]: ["README.md", "docs/x.md", REPORT_FILE],
  [SOURCES]: ["src/a.ts", "src/b.ts", "src/c.py"],
  [READMES]: ["README", "docs/README.md", "README.md"],
};
const textOf = (answers: Awaited<ReturnType<typeof play>>) =>
  answers.map(({ parts }) => parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(""));

describe("the tour", () => {
  test("looks around, asks, writes its report and sums up", async () => {
    const { tool, written } = workspace(FILES, "# Hello {{run_id}}\n\nWorld.\n", "detailed");
    const answers = await play(new SimulatorDriver(new SimulatedClock()), TOUR, tool);
    const calls = answers.map(({ parts }) =>
      parts.flatMap((part) => (part.type === "tool_call" ? [part.name] : [])),
    );
    expect(calls).toEqual([
      ["glob_search", "glob_search", "glob_search"],
      ["read_file"],
      ["grep_search", "grep_search", "grep_search", "grep_search"],
      ["ask_user_question"],
      ["write_file"],
      ["read_file"],
      [],
    ]);
    expect(written).toEqual([expect.stringContaining("- at least 3 source files: 2 .ts, 1 .py")]);
    expect(written[0]).toContain("`README.md` has 3 lines and opens with:\n\n> Hello {{run_id}}");
    expect(written[0]).toContain("- `src/a.ts:3` `export function 'a'() {`");
    expect(written[0]).not.toContain(REPORT_FILE);
    const summary = textOf(answers).at(-1);
    expect(summary).toContain("- I found 2 documents and at least 3 source files.");
    expect(summary).toContain("- I read README.md (3 lines).");
    expect(summary).toContain('You answered "Detailed".');
    expect(summary).toContain(`- I wrote the detailed report to ${REPORT_FILE} (`);
  });

  test("works in an empty workspace, with a user who declines and a write that is refused", async () => {
    const { tool } = workspace({}, undefined);
    const refusing: PlayedTool = (call) => (call.name === "write_file" ? undefined : tool(call));
    const answers = await play(new SimulatorDriver(new SimulatedClock()), TOUR, refusing);
    const texts = textOf(answers);
    expect(texts[1]).toContain("0 documents and 0 source files");
    expect(texts[2]).toContain("There is no readable README.md.");
    expect(texts.length).toBe(6);
    expect(texts.at(-1)).toContain("You did not say, so I keep it short.");
    expect(texts.at(-1)).toContain(`I did not write ${REPORT_FILE}: the write was refused or failed.`);
  });

  test("09-S6: same script, same results, same bytes", async () => {
    const run = () => {
      const { tool } = workspace(FILES, "Hi", "short");
      return play(new SimulatorDriver(new SimulatedClock()), TOUR, tool);
    };
    expect(JSON.stringify(await run())).toBe(JSON.stringify(await run()));
  });

  test("takes its time by default, so that it can be watched", async () => {
    const clock = new SimulatedClock();
    const { deltas } = await (async () => {
      const pending = ask(new SimulatorDriver(clock), simulatorRequest('{"simulate":"tour"}'));
      await clock.advance(400 + 40 * 20);
      return pending;
    })();
    expect(deltas.filter((delta) => delta.part === "text").length).toBeGreaterThan(2);
  });
});
