import { isTerminal } from "@kheish/contract";
import type { Style } from "../output/output.ts";
import { displayWidth, oneLine, printable, truncate } from "../output/text.ts";
import { duration } from "../output/time.ts";
import { tokensText } from "../views/run.ts";
import { paintStatus, statusText } from "../views/status-color.ts";
import { callText } from "./fact-lines.ts";
import type { WatchState } from "./state.ts";

/** The part below the transcript that is painted anew: text being written, calls being made, where the run is. */
export function liveLines(state: WatchState, style: Style, rows: number): string[] {
  if (isTerminal(state.run.status)) return [];
  const fixed = [...callLines(state, style), statusLine(state, style)];
  const room = Math.max(0, rows - fixed.length - 1);
  return [...(room === 0 ? [] : streamingLines(state, style).slice(-room)), ...fixed];
}

function streamingLines({ streaming }: WatchState, { colors, columns }: Style): string[] {
  if (streaming === undefined) return [];
  const lines = printable(streaming.text)
    .split("\n")
    .flatMap((line) => wrapped(line, columns - 1));
  return streaming.part === "reasoning" ? lines.map((line) => colors.dim(line)) : lines;
}

function wrapped(line: string, width: number): string[] {
  const rows: string[] = [""];
  for (const character of line) {
    const row = rows.length - 1;
    const longer = (rows[row] ?? "") + character;
    if (displayWidth(longer) <= width) rows[row] = longer;
    else rows.push(character);
  }
  return rows;
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
  const rest = [duration(now - since), tokensText(usage), ...(connected ? [] : ["connection lost, reconnecting"])];
  const status = statusText(run.status);
  const text = truncate(oneLine(` ${rest.join(", ")}`), Math.max(1, columns - status.length - 2));
  return `${paintStatus(status, run.status, colors)} ${colors.dim(text)}`;
}
