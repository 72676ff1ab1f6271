import { CommanderError } from "commander";
import type { Cli } from "./cli.ts";
import type { DaemonClient } from "./client/client.ts";
import type { CliContext } from "./context.ts";
import { describeFailure } from "./errors.ts";
import { ExitCode } from "./exit-codes.ts";
import { Output, outputMode } from "./output/output.ts";
import { steady } from "./output/text.ts";
import { buildProgram } from "./program.ts";
import { daemonToken, daemonUrl, type GlobalFlags } from "./settings.ts";
import { shellQuote } from "./shell-quote.ts";

/** Runs one command line and answers the exit code; nothing of the process is touched directly. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<ExitCode> {
  const { program, loadAll } = buildProgram((): Cli => {
    const flags = program.opts<GlobalFlags>();
    return {
      context,
      output: new Output(context, outputMode(flags, context.terminal)),
      client: () => connect(flags, context),
      hint: (...words) => commandLine(flags, words),
      commandTree: async () => {
        await loadAll();
        return program;
      },
    };
  }, context.terminal);
  try {
    await program.parseAsync(idsApart(withoutHelpCommand(argv)), { from: "user" });
    return ExitCode.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    const failure = describeFailure(error);
    context.terminal.err(steady(failure.text));
    return failure.exitCode;
  }
}

/** `help runs` is `runs --help`: the group has to be loaded before it can be shown. */
function withoutHelpCommand(argv: readonly string[]): string[] {
  return argv[0] === "help" ? [...argv.slice(1), "--help"] : [...argv];
}

/** A lease id may begin with a dash, and is no flag: what looks like one goes behind `--` (02, CLI). */
function idsApart(argv: readonly string[]): string[] {
  const isId = (word: string) => /^-[A-Za-z0-9_-]{42}$/.test(word);
  const ids = argv.includes("--") || !argv.includes("auth") ? [] : argv.filter(isId);
  return ids.length === 0 ? [...argv] : [...argv.filter((word) => !isId(word)), "--", ...ids];
}

/** The client brings the whole contract along, so only commands that talk to a daemon load it. */
async function connect(flags: GlobalFlags, context: CliContext): Promise<DaemonClient> {
  const baseUrl = daemonUrl(flags, context.env);
  const token = await daemonToken(flags, context);
  const { DaemonClient } = await import("./client/client.ts");
  return new DaemonClient({ baseUrl, clock: context.clock, ...(token !== undefined && { token }) });
}

function commandLine(flags: GlobalFlags, words: readonly string[]): string {
  const daemon = flags.baseUrl === undefined ? [] : ["--base-url", flags.baseUrl];
  return ["kheish", ...daemon, ...words].map(shellQuote).join(" ");
}
