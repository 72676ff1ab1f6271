import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { listSkills } from "../skills/index.ts";

/** 01, CLI: `sessions skills ID --query --limit`. */
export function defineSkills(sessions: Command, cli: Cli): void {
  sessions
    .command("skills <session_id>")
    .description("The skills that a session has, and which of them are active")
    .option("--query <words>", "that have these words in name, description or use")
    .option("--limit <n>", "at most so many, 1 to 50")
    .action((sessionId: string, flags: { query?: string; limit?: string }) =>
      listSkills(cli, { ...flags, sessionId }),
    );
}
