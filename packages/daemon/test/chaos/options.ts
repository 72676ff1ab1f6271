import { randomInt } from "node:crypto";
import { Command, InvalidArgumentError, Option, type OutputConfiguration } from "commander";

export const stores = ["sqlite", "postgres"] as const;
export const faultNames = ["postgres-restart", "disk-full", "clock-step", "cut-network"] as const;
export const scenarios = ["load", "sigterm", "governed", "mcp", "tasks"] as const;
export type StoreName = (typeof stores)[number];
export type FaultName = (typeof faultNames)[number];
export type ScenarioName = (typeof scenarios)[number];

export interface ChaosOptions {
  runs: number;
  kills: number;
  store: StoreName;
  loseAcks: number;
  faults: FaultName[];
  scenario: ScenarioName;
  seed: string;
}

interface Flags extends Omit<ChaosOptions, "faults"> {
  fault: FaultName | "none" | "all";
  json: boolean;
}

/** The faults that a store can meet. SQLite has no network, and PostgreSQL's disk is not the state root. */
export const faultsOf: Record<StoreName, readonly FaultName[]> = {
  sqlite: ["disk-full", "clock-step"],
  postgres: ["postgres-restart", "clock-step", "cut-network"],
};

/** Understands a command line; throws commander's error, its message written, for what it does not understand. */
export function parseOptions(
  argv: readonly string[],
  output: OutputConfiguration = {},
): { options: ChaosOptions; json: boolean } {
  const command = program().configureOutput(output).parse(argv, { from: "user" });
  const { fault, json, ...flags } = command.opts<Flags>();
  const possible = faultsOf[flags.store];
  const faults = fault === "none" ? [] : fault === "all" ? [...possible] : [fault];
  for (const one of faults)
    if (!possible.includes(one))
      command.error(
        `error: --fault ${one} makes no sense with --store ${flags.store}; possible are none, all, ${possible.join(", ")}`,
      );
  if (flags.scenario === "sigterm" && command.getOptionValueSource("kills") === "cli")
    command.error("error: --scenario sigterm stops the daemon once, by SIGTERM; leave out --kills");
  if (flags.scenario === "sigterm" && fault !== "none" && fault !== "clock-step")
    command.error(
      "error: of the faults only clock-step goes with --scenario sigterm: it strikes between stop and start",
    );
  const hasKillsOnly = flags.scenario !== "load" && flags.scenario !== "sigterm";
  if (hasKillsOnly && (fault !== "none" || flags.loseAcks > 0))
    command.error(`error: --scenario ${flags.scenario} has kills only; leave out --fault and --lose-acks`);
  return { options: { ...flags, kills: flags.scenario === "sigterm" ? 0 : flags.kills, faults }, json };
}

function program(): Command {
  return new Command("npm run chaos --")
    .description(
      "Real daemons under load: killed, starved, cut off and confused. Counts what was lost, repeated or not delivered.",
    )
    .exitOverride()
    .allowExcessArguments(false)
    .addOption(new Option("--runs <n>", "runs to submit").argParser(wholeNumber(1)).default(200))
    .addOption(new Option("--kills <n>", "SIGKILLs during the load").argParser(wholeNumber(0)).default(20))
    .addOption(
      new Option("--store <name>", "where the daemon keeps its state").choices(stores).default("sqlite"),
    )
    .addOption(
      new Option("--lose-acks <share>", "share of answers that the outside world loses, 0 to 1")
        .argParser(share)
        .default(0),
    )
    .addOption(
      new Option("--fault <name>", "what else happens during the load; all: everything the store can meet")
        .choices(["none", ...faultNames, "all"])
        .default("none"),
    )
    .addOption(
      new Option(
        "--scenario <name>",
        "load: the above; sigterm: one SIGTERM with all runs alive and a deaf tool; governed: a budget, rotations and revocations under kills; mcp: calls of MCP servers that are killed, too; tasks: commands in the background",
      )
        .choices(scenarios)
        .default("load"),
    )
    .addOption(new Option("--seed <text>", "decides every random choice").default(randomSeed(), "random"))
    .option("--json", "only the JSON line on standard output, without the table", false)
    .addHelpText(
      "after",
      `
Exit codes:
  0  nothing was lost, repeated, overspent, used after its revocation, missing or delivered twice, nothing ran on, and every run settled
  1  something was, or a run did not settle
  2  usage
  3  this machine cannot do it (disk-full has to mount a small file system)`,
    );
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,6}$/.test(text) || Number(text) < least)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to 999999.`);
    return Number(text);
  };
}

function share(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text) || Number(text) > 1)
    throw new InvalidArgumentError("It must be a number from 0 to 1.");
  return Number(text);
}

function randomSeed(): string {
  return String(randomInt(1_000_000_000));
}
