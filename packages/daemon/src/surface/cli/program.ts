import { Command, Option } from "commander";
import { packageVersion } from "../../kernel/package.ts";
import type { Cli } from "./cli.ts";
import { type CommandGroup, groups } from "./commands/index.ts";
import type { Terminal } from "./context.ts";
import { exitCodes, helpLayout } from "./help.ts";
import { DEFAULT_DAEMON_URL } from "./settings.ts";

const GLOBAL_FLAGS = "\nSee 'kheish --help' for --base-url, --token and --output.";
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
    .addHelpText("after", () => exitCodes(columnsOf(terminal)))
    .addHelpText("afterAll", ({ command }) => (command.parent === null ? "" : GLOBAL_FLAGS));

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

function columnsOf(terminal: Terminal): number {
  return terminal.columns ?? FALLBACK_COLUMNS;
}

/** Commander must neither end the process nor write around the terminal; subcommands inherit this. */
function configured(program: Command, terminal: Terminal): Command {
  const columns = () => columnsOf(terminal);
  return program
    .exitOverride()
    .configureHelp(helpLayout)
    .showHelpAfterError("Run it with --help for its usage.")
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(complaint(text)),
      getOutHelpWidth: columns,
      getErrHelpWidth: columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

/** What commander complains of, in our spelling; a flag that other programs have for JSON is met by ours. */
function complaint(text: string): string {
  const own = text
    .replace(/^error:/, "Error:")
    .replace(/command-argument value ('.*') is invalid for argument '(.*)'\. /, "$1 is no <$2>. ");
  if (!own.includes("unknown option '--json'")) return own;
  return `${own.trimEnd()}\n(For JSON: --output json, or any pipe)\n`;
}

function loadedOnce(group: CommandGroup, command: Command, cli: () => Cli): () => Promise<void> {
  let loaded: Promise<void> | undefined;
  return () => {
    loaded ??= group.load().then((commands) => commands.define(command, cli()));
    return loaded;
  };
}
