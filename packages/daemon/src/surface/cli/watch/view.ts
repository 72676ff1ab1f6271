import type { RunView } from "@kheish/contract";
import type { Style } from "../output/output.ts";

/** What rendering needs besides state and event: looks, and how to word a command. */
export interface WatchView {
  readonly style: Style;
  /** Commands that answer what a waiting run waits for. */
  readonly answers: (run: RunView) => readonly string[];
}
