import type { LogLevel } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { Cli } from "../cli.ts";
import { logLines } from "../views/log.ts";
import { addCursorFlag, type CursorFlag, printStream } from "./follow.ts";

const LEVELS: readonly LogLevel[] = ["error", "warn", "info", "debug", "trace"];

interface Flags extends CursorFlag {
  follow?: boolean;
  limit?: string;
  level?: LogLevel;
  target?: string;
  text?: string;
}

export function define(logs: Command, cli: Cli): void {
  addCursorFlag(logs)
    .option("-f, --follow", "lines as they are written, from now on or behind --cursor")
    .option("--limit <n>", "the newest n; 1000 when left out")
    .addOption(new Option("--level <level>", "this level and graver ones").choices(LEVELS))
    .option("--target <name>", "lines of this part of the daemon")
    .option("--text <text>", "lines with this text")
    .action(async ({ follow, cursor, limit, ...filter }: Flags) => {
      if (follow === true || cursor !== undefined) {
        await printStream(cli, "logStream", { query: { cursor, ...filter } });
        return;
      }
      const client = await cli.client();
      cli.output.print(await client.call("logs", { query: { limit, ...filter } }), logLines);
    });
}
