import { access } from "node:fs/promises";
import { join } from "node:path";
import type { BackupManifest } from "@kheish/contract";
import {
  type ArchiveOf,
  BackupError,
  cutOffRestore,
  restore,
  restoredCopy,
  rootFiles,
  verifyFile,
  verifyFileAndAudit,
  writeArchive,
} from "./features/backup/index.ts";
import type { JournalReport } from "./governance/audit/index.ts";
import type { Blobs } from "./kernel/blobs.ts";
import { listBlobs, openBlobsDirectory } from "./kernel/blobs-directory.ts";
import { systemClock } from "./kernel/clock.ts";
import { packageVersion } from "./kernel/package.ts";
import { systemRandom } from "./kernel/random.ts";
import type { SnapshotSource, SnapshotTarget } from "./kernel/snapshot.ts";
import { openSqliteSnapshot, openSqliteTarget } from "./kernel/sqlite/index.ts";
import { openStateRoot } from "./kernel/state-root.ts";
import { StoreError } from "./kernel/store.ts";
import { openStore } from "./opening/store.ts";

/** A state root and the store that belongs to it: `sqlite`, or the URL of a PostgreSQL database. */
export interface RootPlace {
  stateRoot: string;
  store: string;
}

/** What an archive of this root is made of, at this moment. `includeKeys`: with the key files of the root. */
export async function archiveOf(
  { stateRoot, store }: RootPlace,
  { instanceId, blobs, includeKeys }: { instanceId: string; blobs: Blobs; includeKeys: boolean },
): Promise<ArchiveOf> {
  return {
    kheishVersion: packageVersion(),
    instanceId,
    source: await openSnapshot(store, stateRoot),
    blobs,
    includeKeys,
    listBlobs: () => listBlobs(join(stateRoot, "blobs")),
    files: () => rootFiles(stateRoot, includeKeys),
  };
}

/** The archive of a root whose daemon is down; refuses, by the root's lock, when it is not. */
export async function* backupAtRest(place: RootPlace, includeKeys: boolean): AsyncGenerator<Uint8Array> {
  await refuseAbsent(place.stateRoot);
  const root = await openStateRoot(place.stateRoot, systemRandom);
  try {
    const blobs = await openBlobsDirectory(join(root.path, "blobs"), systemRandom);
    const parts = await archiveOf({ ...place, stateRoot: root.path }, { ...root, blobs, includeKeys });
    const backupId = `bak-${systemRandom.hex(8)}`;
    yield* writeArchive({ ...parts, backupId, createdAtMs: systemClock.now() });
  } finally {
    await root.release();
  }
}

/** Checks an archive; touches nothing. */
export function verifyBackup(file: string): Promise<BackupManifest> {
  return verifyFile(file);
}

/** Checks an archive, the audit in it and, when a root is named, that it could take it; touches nothing. */
export async function verifyRestore(
  file: string,
  stateRoot?: string,
): Promise<{ manifest: BackupManifest; audit: JournalReport }> {
  const verified = await verifyFileAndAudit(file);
  if (stateRoot !== undefined) await cutOffRestore(stateRoot).catch(absentIsEmpty);
  return verified;
}

export function restoreBackup(file: string, place: RootPlace): Promise<BackupManifest> {
  return restore({
    file,
    stateRoot: place.stateRoot,
    clock: systemClock,
    random: systemRandom,
    openTarget: (stateRoot) => openTarget(place.store, stateRoot),
    lookFor: async (stateRoot) => {
      const store = await openStore(place.store, stateRoot);
      try {
        return await restoredCopy(store);
      } finally {
        await store.close();
      }
    },
  });
}

async function openSnapshot(store: string, stateRoot: string): Promise<SnapshotSource> {
  if (store === "sqlite") return openSqliteSnapshot(databaseIn(stateRoot));
  const { openPostgresSnapshot } = await import("./kernel/postgres/index.ts");
  return openPostgresSnapshot({ url: store });
}

async function openTarget(store: string, stateRoot: string): Promise<SnapshotTarget> {
  if (store === "sqlite") return openSqliteTarget(databaseIn(stateRoot));
  const { openPostgresTarget } = await import("./kernel/postgres/index.ts");
  return openPostgresTarget({ url: store });
}

function databaseIn(stateRoot: string): string {
  return join(stateRoot, "kheish.db");
}

/** Opening a root makes it; a backup of a root that was misspelt would be one of nothing. */
async function refuseAbsent(stateRoot: string): Promise<void> {
  await access(join(stateRoot, "instance-id")).catch((cause: unknown) => {
    throw new StoreError("unavailable", `${stateRoot} is no state root`, { cause });
  });
}

function absentIsEmpty(error: unknown): undefined {
  if (error instanceof BackupError) throw error;
  return undefined;
}
