import type { Json, RunView } from "@kheish/contract";
import type { TokenUsage } from "./facts.ts";

/** What the live view knows of a run. */
export interface WatchState {
  readonly run: RunView;
  readonly usage: TokenUsage;
  /** Partial text of the turn that is being made: never history, so never printed for good. */
  readonly streaming: Streaming | undefined;
  /** Calls the model asked for that have not finished. */
  readonly calls: ReadonlyMap<string, Call>;
  readonly connected: boolean;
  /** The situation that was printed last, so that a repeated update does not print it again. */
  readonly announced: string;
}

export interface Streaming {
  readonly turn: number;
  readonly part: "text" | "reasoning";
  readonly text: string;
}

export interface Call {
  readonly name: string;
  /** Undefined when the message that asked for it was not seen. */
  readonly input?: Json;
  /** Undefined until it was dispatched. */
  readonly startedAtMs?: number;
}

const NO_TOKENS: TokenUsage = { input_tokens: 0, output_tokens: 0 };

/** Before the first event. A run that is shown from its start counts its tokens again. */
export function watchStateOf(run: RunView, fromStart: boolean): WatchState {
  return {
    run,
    usage: fromStart ? NO_TOKENS : (run.usage ?? NO_TOKENS),
    streaming: undefined,
    calls: new Map(),
    connected: true,
    announced: "",
  };
}
