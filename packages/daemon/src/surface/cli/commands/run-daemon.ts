import { constants } from "node:os";
import type { Cli } from "../cli.ts";
import type { CliContext, IdleSignal, RunningDaemon, StopSignal } from "../context.ts";
import { CliError, messageOf } from "../errors.ts";
import type { ServeOptions } from "../serve-options.ts";

/**
 * Runs a daemon until it has stopped. The first signal drains it, also when it came during the start;
 * the second ends the process at once, for whoever cannot wait. A terminal that goes away takes the daemon that it shows
 * along, drained; one that nobody looks at, as under `nohup` or a supervisor, goes on, and so it does when nobody reads
 * its output any more. No signal ends it by surprise or opens a debugger.
 */
export async function runDaemon(
  { context }: Cli,
  options: ServeOptions,
  whenReady: (daemon: RunningDaemon) => void = () => undefined,
): Promise<void> {
  const signals = listen(context);
  context.host.outliveReaders();
  try {
    const daemon = await start(context, options);
    signals.tell(daemon);
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

interface Signals {
  first: Promise<StopSignal>;
  /** This daemon's log has the signals that mean nothing, also those that came before it. */
  tell(daemon: RunningDaemon): void;
  close(): void;
}

function listen({ host }: CliContext): Signals {
  const told = Promise.withResolvers<RunningDaemon>();
  const { promise: first, resolve } = Promise.withResolvers<StopSignal>();
  let asked = false;
  const handle = (signal: StopSignal) => () => {
    if (asked) host.exitNow(128 + constants.signals[signal]);
    asked = true;
    resolve(signal);
  };
  const ignore = (signal: StopSignal | IdleSignal) => () =>
    void told.promise.then(({ note }) => note(`${signal} means nothing to this daemon: SIGTERM stops it`));
  const isShown = host.hasTerminal();
  const stops = [
    ...(["SIGINT", "SIGTERM"] as const).map((signal) => host.onSignal(signal, handle(signal))),
    host.onSignal("SIGHUP", isShown ? handle("SIGHUP") : ignore("SIGHUP")),
    ...(["SIGUSR1", "SIGUSR2"] as const).map((signal) => host.onSignal(signal, ignore(signal))),
  ];
  return {
    first,
    tell: told.resolve,
    close: () => stops.forEach((stop) => void stop()),
  };
}
