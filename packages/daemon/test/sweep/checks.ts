import type { JsonObject, RunView } from "@kheish/contract";
import { expect } from "vitest";
import type { RecordedEvent } from "../../src/engine/index.ts";
import type { OutsideWorld } from "../support/effects.ts";
import { ledgerOf } from "./scenario.ts";

/** What holds in every scenario: no gap, each run started and ended once and in order. */
export function checkJournal(events: readonly RecordedEvent[], runs: readonly RunView[]): void {
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  const terminal = events.filter((event) =>
    ["completed", "failed", "cancelled", "interrupted"].includes(event.type),
  );
  expect(terminal.length).toBe(runs.length);
  const starts = events.flatMap((event) => (event.type === "started" ? [event.data.run_id] : []));
  expect(starts, "FIFO, each started once").toEqual(runs.map((run) => run.run_id));
}

/** An effect that must not be repeated is not, and one that did not happen is not passed over. */
export function checkOnce(
  events: readonly RecordedEvent[],
  outside: OutsideWorld,
  tool: string,
  input: JsonObject,
): void {
  const times = outside.count(tool, input);
  expect(times, `${tool} is never repeated`).toBeLessThanOrEqual(1);
  const ledger = ledgerOf(events, tool, input);
  expect(ledger, `${tool} is never silently dropped`).toBe(
    times === 1 && ledger === "settled" ? "settled" : "unknown",
  );
}
