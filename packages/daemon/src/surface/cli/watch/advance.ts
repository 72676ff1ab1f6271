import { isTerminal, type RunView, type StreamEvent } from "@kheish/contract";
import { printable } from "../output/text.ts";
import { factLines } from "./fact-lines.ts";
import { withFact } from "./fact-state.ts";
import { factOf } from "./facts.ts";
import { endingLines, waitingLines } from "./run-lines.ts";
import type { WatchState } from "./state.ts";
import type { WatchView } from "./view.ts";

export interface Advance {
  readonly state: WatchState;
  /** What the transcript grows by. */
  readonly lines: readonly string[];
}

/** One event: what is known after it, and the lines it adds to the transcript for good. */
export function advance(state: WatchState, event: StreamEvent, view: WatchView): Advance {
  const { colors } = view.style;
  switch (event.type) {
    case "run_updated":
      return takeRun(state, event.run, view);
    case "output_delta":
      return { state: { ...state, streaming: continued(state, event) }, lines: [] };
    case "trace": {
      const fact = factOf(event.trace);
      if (fact === undefined) return { state, lines: [] };
      return { state: withFact(state, fact), lines: factLines(state, fact, view.style) };
    }
    case "output":
      // The assistant's own text is in its message already.
      if (event.output.source_kind === "assistant_text") return { state, lines: [] };
      return { state, lines: ["", ...printable(event.output.content).split("\n")] };
    case "stream_gap":
      return { state, lines: [colors.dim(`... ${event.skipped} events are no longer there to be shown`)] };
    default:
      return { state, lines: [] };
  }
}

/** The connection went or came back; the run goes on regardless. */
export function reconnection(state: WatchState, connected: boolean, { style }: WatchView): Advance {
  const lines = connected ? [style.colors.dim("reconnected")] : [];
  return { state: { ...state, connected, streaming: undefined }, lines };
}

function takeRun(state: WatchState, run: RunView, view: WatchView): Advance {
  const waitsFor = [...(run.pending_approval_ids ?? []), ...(run.pending_question_ids ?? [])];
  const situation = [run.status, ...waitsFor].join(" ");
  const next = { ...state, run, usage: run.usage ?? state.usage, announced: situation };
  if (situation === state.announced) return { state: next, lines: [] };
  if (isTerminal(run.status)) return { state: next, lines: endingLines(run, view.style) };
  return { state: next, lines: waitingLines(run, view) };
}

function continued(
  { streaming }: WatchState,
  { turn, part, text }: Extract<StreamEvent, { type: "output_delta" }>,
): WatchState["streaming"] {
  const same = streaming?.turn === turn && streaming.part === part;
  return { turn, part, text: same ? streaming.text + text : text };
}
