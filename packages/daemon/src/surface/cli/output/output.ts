import type { Json, ListPage } from "@kheish/contract";
import pc from "picocolors";
import type { CliContext, Terminal } from "../context.ts";
import type { GlobalFlags } from "../settings.ts";
import { steady } from "./text.ts";

/** `human` is for eyes: tables and colours. The others are JSON on many lines and on one (01, A4). */
export type OutputMode = "human" | "pretty" | "json";

export type Colors = ReturnType<typeof pc.createColors>;

/** All that a rendering may depend on besides its value, so that renderings stay pure. */
export interface Style {
  readonly colors: Colors;
  readonly columns: number;
  readonly now: number;
}

export type Render<T> = (value: T, style: Style) => string;

/** What was asked for, else what fits the place the output goes to. */
export function outputMode(flags: GlobalFlags, terminal: Terminal): OutputMode {
  return flags.output ?? (terminal.columns === undefined ? "pretty" : "human");
}

/** Standard output, as the one place that decides how values look. */
export class Output {
  readonly mode: OutputMode;
  readonly #context: CliContext;

  constructor(context: CliContext, mode: OutputMode) {
    this.#context = context;
    this.mode = mode;
  }

  get human(): boolean {
    return this.mode === "human";
  }

  style(): Style {
    const { env, terminal, clock } = this.#context;
    const colored = this.human && !env.NO_COLOR && env.TERM !== "dumb";
    return { colors: pc.createColors(colored), columns: terminal.columns ?? 80, now: clock.now() };
  }

  /** One value: rendered for eyes, else as JSON. */
  print<T>(value: T, render: Render<T>): void {
    this.#write(`${this.human ? render(value, this.style()) : this.json(value)}\n`);
  }

  /** Text that is already what the user asked for. */
  raw(text: string): void {
    this.#write(text);
  }

  /** A file or a pipe gets every byte; a terminal nothing that somebody else wrote to steer it. */
  #write(text: string): void {
    const { terminal } = this.#context;
    terminal.out(terminal.columns === undefined ? text : steady(text));
  }

  json(value: unknown): string {
    return JSON.stringify(value, undefined, this.mode === "json" ? undefined : 2);
  }
}

/** The items of a list, in whichever of its two shapes the daemon answered. */
export function itemsOf<T>(list: T[] | ListPage<T>): T[] {
  return Array.isArray(list) ? list : list.items;
}

/** JSON on one line, for cells and short lines. */
export function compactJson(value: Json | undefined): string {
  return value === undefined ? "" : JSON.stringify(value);
}
