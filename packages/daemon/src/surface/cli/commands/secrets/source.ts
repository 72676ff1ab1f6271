import type { Command } from "commander";
import type { CliContext } from "../../context.ts";
import { UsageError } from "../../errors.ts";
import { readTextFile } from "../../flags/named-file.ts";

export interface SourceFlags {
  value?: string;
  fromEnv?: string;
  fromFile?: string;
  stdin?: boolean;
}

export function addSourceFlags(command: Command): Command {
  return command
    .option("--value <secret>", "the secret; other users of the machine can see it while the command runs")
    .option("--from-env <name>", "the secret, from a variable")
    .option("--from-file <path>", "the secret, from a file")
    .option("--stdin", "the secret, from standard input");
}

/** Exactly one source; a file and standard input lose one line end, and nothing else is touched (02-R54). */
export async function readSecret(flags: SourceFlags, context: CliContext): Promise<string> {
  const { value, fromEnv, fromFile, stdin } = flags;
  if ([value, fromEnv, fromFile, stdin].filter((source) => source !== undefined).length !== 1) {
    throw new UsageError("give the secret once: --value, --from-env, --from-file or --stdin");
  }
  const secret = await secretFrom(flags, context);
  if (secret.trim() === "") throw new UsageError("the secret is blank");
  return secret;
}

async function secretFrom({ value, fromEnv, fromFile }: SourceFlags, context: CliContext): Promise<string> {
  if (value !== undefined) return value;
  if (fromEnv !== undefined) {
    const found = context.env[fromEnv];
    if (found === undefined) throw new UsageError(`the variable ${fromEnv} is not set`);
    return found;
  }
  const text =
    fromFile === undefined ? await context.terminal.readInput() : await readTextFile(fromFile, context);
  return text.replace(/\r?\n$/, "");
}
