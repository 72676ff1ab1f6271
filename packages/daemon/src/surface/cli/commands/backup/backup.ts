import { resolve } from "node:path";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { withArchiveErrors } from "./failures.ts";
import { type PlaceFlags, placeFrom, STATE_ROOT_FLAG, STORE_FLAG } from "./place.ts";
import { type Received, receive, refuseExisting } from "./receive.ts";
import { type BackupAnswer, backupReport } from "./report.ts";

interface Flags extends PlaceFlags {
  out: string;
  offline?: boolean;
  includeKeys?: boolean;
}

export function define(backup: Command, cli: Cli): void {
  backup
    .requiredOption("--out <file>", "where to write the archive; must not be there yet")
    .option("--offline", "read the state root itself; its daemon must be stopped")
    .option(STATE_ROOT_FLAG, "with --offline: the state root (env: KHEISH_STATE_ROOT)")
    .option(STORE_FLAG, "with --offline: the store that belongs to it (env: KHEISH_STORE, default sqlite)")
    .option("--include-keys", "with --offline: put the root's key files into the archive as well")
    .action(async (flags: Flags) => {
      const file = resolve(cli.context.workingDirectory, flags.out);
      const archives = await cli.context.host.loadArchives();
      await refuseExisting(file);
      const received = await withArchiveErrors(file, () =>
        receive(
          () => bytesOf(flags, cli),
          file,
          (path) => archives.verifyBackup(path),
        ),
      );
      cli.output.print(answer(received), backupReport);
    });
}

async function bytesOf(flags: Flags, cli: Cli): Promise<AsyncIterable<Uint8Array>> {
  if (flags.offline) {
    const archives = await cli.context.host.loadArchives();
    return archives.backupAtRest(placeFrom(flags, cli), flags.includeKeys ?? false);
  }
  if (flags.includeKeys) throw new UsageError("a daemon hands out no keys: --include-keys needs --offline");
  if (flags.stateRoot !== undefined || flags.store !== undefined)
    throw new UsageError("--state-root and --store are for --offline; a daemon knows its own");
  const client = await cli.client();
  return client.download("backup");
}

function answer({ file, sizeBytes, sha256, manifest }: Received): BackupAnswer {
  const { entries: _, ...rest } = manifest;
  return { file, size_bytes: sizeBytes, sha256, manifest: rest };
}
