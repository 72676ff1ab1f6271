import { resolve } from "node:path";
import { isProblem } from "@kheish/contract";
import type { Command } from "commander";
import { StoreError } from "../../../../kernel/store.ts";
import type { OfflineOptions, OfflineSecrets } from "../../../../offline.ts";
import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { DaemonRefusal, DaemonUnreachable } from "../../client/errors.ts";
import { CliError, messageOf, UsageError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";

export interface PlaceFlags {
  offline?: boolean;
  stateRoot?: string;
  store?: string;
}

/** Where the slots are: behind a daemon, or in a state root that none runs on. */
export function addPlaceFlags(command: Command): Command {
  return command
    .option(
      "--offline",
      "work on a state root that no daemon runs on; needs the master key's variable to write",
    )
    .option("--state-root <path>", "with --offline: that state root (env: KHEISH_STATE_ROOT)")
    .option("--store <sqlite|url>", "with --offline: its store (env: KHEISH_STORE)");
}

/**
 * Does one of two things, never the second because the first has failed (02-R53): a daemon that cannot be reached may
 * well be running, and hold what an offline write would then work around.
 */
export async function atPlace<T>(
  cli: Cli,
  flags: PlaceFlags,
  access: OfflineOptions["access"],
  online: (client: DaemonClient) => Promise<T>,
  offline: (secrets: OfflineSecrets) => Promise<T>,
): Promise<T> {
  if (flags.offline !== true) {
    if (flags.stateRoot !== undefined || flags.store !== undefined) {
      throw new UsageError("--state-root and --store go with --offline only");
    }
    return onDaemon(cli, online);
  }
  const secrets = await openOffline(cli, flags, access);
  try {
    return await offline(secrets);
  } catch (error) {
    throw isProblem(error) ? new DaemonRefusal(error.toDetails()) : error;
  } finally {
    await secrets.close();
  }
}

/** The answer about one slot, which has to be there. */
export function present<T>(ref: string, value: T | undefined | false): T {
  if (value !== undefined && value !== false) return value;
  const detail = `there is no slot '${ref}'`;
  const problem = { type: "urn:kheish:problem:secret_not_found", title: "Not Found", status: 404 };
  throw new DaemonRefusal({ ...problem, code: "secret_not_found", domain: "runtime", detail });
}

async function onDaemon<T>(cli: Cli, act: (client: DaemonClient) => Promise<T>): Promise<T> {
  try {
    return await act(await cli.client());
  } catch (error) {
    if (!(error instanceof DaemonUnreachable)) throw error;
    const note = "when no daemon is to run, add --offline --state-root <path>";
    throw new CliError(error.message, error.exitCode, [note]);
  }
}

async function openOffline(
  { context }: Cli,
  { stateRoot, store }: PlaceFlags,
  access: OfflineOptions["access"],
): Promise<OfflineSecrets> {
  const { env, workingDirectory, host } = context;
  const root = stateRoot ?? (env.KHEISH_STATE_ROOT || undefined);
  if (root === undefined) throw new UsageError("--offline needs --state-root or KHEISH_STATE_ROOT");
  const options = {
    stateRoot: resolve(workingDirectory, root),
    store: store ?? (env.KHEISH_STORE || "sqlite"),
    access,
  };
  const { openOfflineSecrets } = await host.loadOffline();
  try {
    return await openOfflineSecrets(options, env);
  } catch (error) {
    const isHeld = error instanceof StoreError && error.code === "locked";
    throw new CliError(
      `cannot open the auth store offline: ${messageOf(error)}`,
      ExitCode.failure,
      isHeld ? ["leave out --offline: the daemon that uses it can do this itself"] : [],
    );
  }
}
