import type { Command } from "commander";
import type { DaemonClient } from "./client/client.ts";
import type { CliContext } from "./context.ts";
import type { Output } from "./output/output.ts";

/** What a command works with: the machine, and what the global flags made of it. */
export interface Cli {
  readonly context: CliContext;
  readonly output: Output;
  client(): Promise<DaemonClient>;
  /** A command line that the user can paste, with the daemon it belongs to. */
  hint(...words: string[]): string;
  /** The root command with every group filled in. */
  commandTree(): Promise<Command>;
}
