import { z } from "zod";
import { textOf, type UserMessage } from "../../engine/messages.ts";
import { describeInput } from "./conversation.ts";
import { LoadScript, loadScenario } from "./load.ts";
import { fillTurn } from "./placeholders.ts";
import type { Scenario } from "./scenario.ts";
import { TourScript, tourScenario } from "./tour/index.ts";
import { defaultCallId, say, Turn } from "./turn.ts";

export type ParsedScript = { ok: true; scenario: Scenario } | { ok: false; error: string };

const ListScript = z.strictObject({ simulate: z.array(Turn) }).superRefine(({ simulate }, context) => {
  const seen = new Set<string>();
  for (const [turn, { tool_calls }] of simulate.entries()) {
    for (const [call, { id = defaultCallId(turn, call) }] of tool_calls.entries()) {
      const path = ["simulate", turn, "tool_calls", call, "id"];
      if (seen.has(id)) context.addIssue({ code: "custom", message: `call id '${id}' is used twice`, path });
      seen.add(id);
    }
  }
});

/** Answers with the words of the input. */
export function echoScenario(input: UserMessage): Scenario {
  return ({ conversation }) => (conversation.turn === 0 ? say(describeInput(input)) : undefined);
}

/** Reads an input as a script; text that is none is echoed, a script that does not validate is refused (09-S5). */
export function parseScript(input: UserMessage): ParsedScript {
  const script = scriptIn(textOf(input));
  if (script === undefined) return { ok: true, scenario: echoScenario(input) };
  if (script.simulate === "tour") return parsed(TourScript, script, tourScenario);
  if (script.simulate === "load") return parsed(LoadScript, script, loadScenario);
  if (typeof script.simulate === "string") {
    return refused(
      "/simulate",
      `unknown scenario '${script.simulate}': use a list of turns, "tour" or "load"`,
    );
  }
  return parsed(ListScript, script, ({ simulate }) => (context) => {
    const turn = simulate[context.conversation.turn];
    return turn === undefined ? undefined : fillTurn(turn, context);
  });
}

function scriptIn(text: string): { simulate: unknown } | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "simulate" in value ? value : undefined;
  } catch {
    return undefined;
  }
}

function parsed<T>(schema: z.ZodType<T>, script: unknown, play: (script: T) => Scenario): ParsedScript {
  const result = schema.safeParse(script);
  if (result.success) return { ok: true, scenario: play(result.data) };
  const issue = result.error.issues[0];
  if (issue === undefined) return refused("", result.error.message);
  const key = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  return refused(pointer([...issue.path, ...key]), issue.message);
}

function refused(path: string, reason: string): ParsedScript {
  return { ok: false, error: `The simulator script does not validate at ${path}: ${reason}` };
}

/** A JSON Pointer (RFC 6901). */
function pointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
