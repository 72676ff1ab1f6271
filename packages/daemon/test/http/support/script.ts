import type { Json } from "@kheish/contract";

/** One turn of a simulator script (09, Script). */
export interface Turn {
  text?: string;
  reasoning?: string;
  tool_calls?: { name: string; input: Json; id?: string }[];
  delay_ms?: number;
  chunks?: number;
  chunk_delay_ms?: number;
  usage?: { input_tokens: number; output_tokens: number };
  error?: { status: number; message: string; retryable?: boolean; times?: number };
}

/** Within which an answer is in time, also on a busy machine. */
export const IN_TIME_MS = 4_000;

/** What to submit so that the model plays these turns. */
export function script(...turns: Turn[]): string {
  return JSON.stringify({ simulate: turns });
}

export function say(text: string): Turn {
  return { text };
}

/** One turn with one call. */
export function use(name: string, input: Json): Turn {
  return { tool_calls: [{ name, input }] };
}

/** Commands to run, which need approval under the default permission mode. */
export function bash(...commands: string[]): Turn {
  return { tool_calls: commands.map((command) => ({ name: "bash", input: { command } })) };
}

/** A question with the options `option-1` and `option-2`. */
export function ask(
  question: string,
  more: { expires_after_ms?: number; multi_select?: boolean } = {},
): Turn {
  const { expires_after_ms, ...rest } = more;
  const options = [{ label: "Yes" }, { label: "No" }];
  return use("ask_user_question", {
    questions: [{ question, options, ...rest }],
    ...(expires_after_ms === undefined ? {} : { expires_after_ms }),
  });
}

/** The request that asks the question of a first turn. */
export const FIRST_QUESTION = "question-request-sim-0-0";

/** A run of this goes on until somebody ends it. */
export const ENDLESS = script({ delay_ms: 600_000, text: "too late" });

/** A run of this waits for an answer, and then ends. */
export const ASKING = script(ask("Go on?"), say("went on"));

/** A run of this waits for an approval, and then ends with what the command said. */
export const GATED = script(bash("echo ran"), say("{{last_tool_output}}"));

/** Every state in which a run holds its session's slot, and what brings it there. */
export const ACTIVE = [
  { status: "running", what: "a model call", content: ENDLESS },
  { status: "waiting_for_approval", what: "an approval", content: GATED },
  { status: "waiting_for_user_question", what: "a question", content: ASKING },
] as const;
