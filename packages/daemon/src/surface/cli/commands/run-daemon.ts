import { constants } from "node:os";
import type { Cli } from "../cli.ts";
import type { CliContext, RunningDaemon, StopSignal } from "../context.ts";
import { CliError, messageOf } from "../errors.ts";
import type { ServeOptions } from "../serve-options.ts";

/**
 * Runs a daemon until it has stopped. The first signal drains it, also when it came during the start;
 * the second ends the process at once, for whoever cannot wait.
 */
export async function runDaemon(
  { context }: Cli,
  options: ServeOptions,
  whenReady: (daemon: RunningDaemon) => void = () => undefined,
): Promise<void> {
  const signals = listen(context);
  try {
    const daemon = await start(context, options);
    whenReady(daemon);
    const reason = await Promise.race([signals.first, daemon.closed]);
    if (reason !== undefined) await daemon.stop(reason);
    await daemon.closed;
  } finally {
    signals.close();
  }
}

async function start(context: CliContext, options: ServeOptions): Promise<RunningDaemon> {
  try {
    const { serve } = await context.host.loadDaemon();
    return await serve(options, context.env);
  } catch (error) {
    const wantsDetail = options.logLevel === "debug" || options.logLevel === "trace";
    const detail = wantsDetail && error instanceof Error && error.stack ? error.stack.split("\n") : [];
    throw new CliError(`the daemon could not start: ${messageOf(error)}`, undefined, detail);
  }
}

function listen({ host }: CliContext): { first: Promise<StopSignal>; close(): void } {
  const { promise: first, resolve } = Promise.withResolvers<StopSignal>();
  let asked = false;
  const handle = (signal: StopSignal) => () => {
    if (asked) host.exitNow(128 + constants.signals[signal]);
    asked = true;
    resolve(signal);
  };
  const stops = (["SIGINT", "SIGTERM"] as const).map((signal) => host.onSignal(signal, handle(signal)));
  return { first, close: () => stops.forEach((stop) => void stop()) };
}
