import { isTerminal } from "@kheish/contract";
import type { Style } from "../output/output.ts";
import { oneLine, printable, truncate, wrap } from "../output/text.ts";
import { duration } from "../output/time.ts";
import { tokensText } from "../views/run.ts";
import { paintStatus, statusText } from "../views/status-color.ts";
import { callText } from "./fact-lines.ts";
import type { WatchState } from "./state.ts";

/** The part below the transcript that is painted anew: text being written, calls being made, where the run is. */
export function liveLines(state: WatchState, style: Style, rows: number): string[] {
  if (isTerminal(state.run.status)) return [];
  const fixed = [...callLines(state, style), statusLine(state, style)];
  const room = Math.max(0, rows - fixed.length);
  return [...streamingLines(state, style, room), ...fixed];
}

/** Only the end of the text fits; cutting early keeps a repaint cheap however long the answer grows. */
function streamingLines({ streaming }: WatchState, { colors, columns }: Style, room: number): string[] {
  if (streaming === undefined || room === 0) return [];
  const end = printable(streaming.text.slice(-columns * room));
  const lines = wrap(end, columns - 1).slice(-room);
  return streaming.part === "reasoning" ? lines.map((line) => colors.dim(line)) : lines;
}

function callLines({ calls }: WatchState, { colors, columns, now }: Style): string[] {
  return [...calls.values()]
    .filter((call) => call.startedAtMs !== undefined)
    .map((call) => {
      const elapsed = duration(now - (call.startedAtMs ?? now));
      return colors.dim(truncate(`  ~ ${callText(call.name, call.input, columns)}  ${elapsed}`, columns - 1));
    });
}

function statusLine({ run, usage, connected }: WatchState, { colors, columns, now }: Style): string {
  const since = run.started_at_ms ?? run.submitted_at_ms;
  const rest = [
    duration(now - since),
    tokensText(usage),
    ...(connected ? [] : ["connection lost, reconnecting"]),
  ];
  const status = statusText(run.status);
  const text = truncate(oneLine(` ${rest.join(", ")}`), Math.max(1, columns - status.length - 2));
  return `${paintStatus(status, run.status, colors)} ${colors.dim(text)}`;
}
