import { CommanderError } from "commander";
import { CannotMount } from "./faults/small-disk.ts";
import { runChaos } from "./index.ts";
import { parseOptions } from "./options.ts";
import { isClean, table } from "./report.ts";

const MOST_FINDINGS = 20;
const cleanup = new AsyncDisposableStack();

// Whatever still waits for something that will not come must not keep us.
process.exit(await main(process.argv.slice(2)));

async function main(argv: readonly string[]): Promise<number> {
  try {
    const { options, json } = parseOptions(argv);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => void interrupt());
    say(`seed ${options.seed}`);
    const report = await runChaos(options, { say, cleanup });
    for (const sentence of report.findings.slice(0, MOST_FINDINGS)) say(sentence);
    if (!json) process.stdout.write(table(report));
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return isClean(report) ? 0 : 1;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    say(error instanceof Error ? error.message : String(error));
    return error instanceof CannotMount ? 3 : 1;
  } finally {
    await cleanup.disposeAsync();
  }
}

/** Ctrl-C leaves nothing behind either. */
async function interrupt(): Promise<void> {
  say("interrupted; cleaning up");
  await cleanup.disposeAsync();
  process.exit(130);
}

function say(line: string): void {
  process.stderr.write(`chaos: ${line}\n`);
}
