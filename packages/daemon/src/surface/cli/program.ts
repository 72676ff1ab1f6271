import { Command, Option } from "commander";
import { packageVersion } from "../../kernel/package.ts";
import type { Cli } from "./cli.ts";
import { type CommandGroup, groups } from "./commands/index.ts";
import type { Terminal } from "./context.ts";
import { DEFAULT_DAEMON_URL } from "./settings.ts";

const EXIT_CODES = `
Exit codes:
  0  done                         6  conflict
  1  any other failure            7  timeout, or try again later
  2  usage, or a refused request  8  the answer could not be understood
  3  daemon unreachable           9  the run waits for a human
  4  not allowed                 10  the run ended, but not completed
  5  not found`;

const FALLBACK_COLUMNS = 80;

export interface Program {
  program: Command;
  loadAll(): Promise<void>;
}

/**
 * The root command. The commands of a group are loaded when the command line enters it.
 * `cli` is asked for then too: only by that time are the global flags known.
 */
export function buildProgram(cli: () => Cli, terminal: Terminal): Program {
  const program = configured(new Command("kheish"), terminal)
    .description("A persistent agent runtime: the daemon owns the work, this command talks to it.")
    .version(packageVersion())
    .helpCommand(false)
    .option("--base-url <url>", `the daemon (env: KHEISH_DAEMON_URL, default ${DEFAULT_DAEMON_URL})`)
    .option("--token <token>", "bearer token (env: KHEISH_DAEMON_TOKEN)")
    .option("--token-file <path>", "file with the bearer token (env: KHEISH_DAEMON_TOKEN_FILE)")
    .addOption(
      new Option("--output <format>", "JSON on many lines or one; without it a terminal gets tables").choices(
        ["pretty", "json"],
      ),
    )
    .addHelpText("after", EXIT_CODES);

  const loaders = new Map<Command, () => Promise<void>>();
  for (const group of groups) {
    const command = program.command(group.name).description(group.summary).aliases(group.aliases);
    loaders.set(command, loadedOnce(group, command, cli));
  }
  program.hook("preSubcommand", (_program, entered) => loaders.get(entered)?.());
  return {
    program,
    loadAll: async () => {
      for (const load of loaders.values()) await load();
    },
  };
}

/** Commander must neither end the process nor write around the terminal; subcommands inherit this. */
function configured(program: Command, terminal: Terminal): Command {
  const columns = () => terminal.columns ?? FALLBACK_COLUMNS;
  return program
    .exitOverride()
    .showHelpAfterError("Run it with --help for its usage.")
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(text.replace(/^error:/, "Error:")),
      getOutHelpWidth: columns,
      getErrHelpWidth: columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

function loadedOnce(group: CommandGroup, command: Command, cli: () => Cli): () => Promise<void> {
  let loaded: Promise<void> | undefined;
  return () => {
    loaded ??= group.load().then((commands) => commands.define(command, cli()));
    return loaded;
  };
}
