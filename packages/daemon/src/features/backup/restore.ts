import { createReadStream } from "node:fs";
import { type FileHandle, open, readdir, readFile, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { BackupManifest } from "@kheish/contract";
import { JournalCheck, type JournalReport } from "../../governance/audit/index.ts";
import { openBlobsDirectory } from "../../kernel/blobs-directory.ts";
import type { Clock } from "../../kernel/clock.ts";
import { makeDirectory, syncDirectory, writeWholeFile } from "../../kernel/durable-files.ts";
import type { Random } from "../../kernel/random.ts";
import type { SnapshotTarget } from "../../kernel/snapshot.ts";
import { RESTORING } from "../../kernel/state-root.ts";
import { acquireLock } from "../../kernel/state-root-lock.ts";
import { BackupError } from "./errors.ts";
import { readArchive, verifyArchive } from "./read-archive.ts";
import { isRestoredCopyRow, type RestoredCopy, restoredCopyRow } from "./restored-copy.ts";

export interface RestoreOptions {
  file: string;
  stateRoot: string;
  clock: Clock;
  random: Random;
  /** An empty store in the root, or wherever it is to be. */
  openTarget: (stateRoot: string) => Promise<SnapshotTarget>;
  /** What a store that is not empty says about itself; only asked after a restore that was cut off. */
  lookFor: (stateRoot: string) => Promise<RestoredCopy | undefined>;
}

/** The lock's own files, and what a new file system brings along. */
const HARMLESS = /^(daemon\.lock(\..+)?|lost\+found)$/;

/** Opened when it is read: what keeps it from being opened is its reader's error, not an event that nobody hears. */
async function* archiveIn(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file);
}

/** Checks an archive file from end to end. */
export function verifyFile(file: string): Promise<BackupManifest> {
  return verifyArchive(archiveIn(file));
}

/** The same, with the signed audit that is in it: an archive may be whole, and what it was made of was not. */
export async function verifyFileAndAudit(
  file: string,
): Promise<{ manifest: BackupManifest; audit: JournalReport }> {
  const check = new JournalCheck();
  const manifest = await verifyArchive(archiveIn(file), (event) => check.add(event));
  return { manifest, audit: check.finish() };
}

/**
 * Brings an archive into an empty state root, all of it or nothing. The archive is checked before anything is
 * touched. While the root is being filled it carries a mark, under which no daemon takes it: whatever kills this,
 * the same command begins again, and a failure leaves the root as empty as it was.
 */
export async function restore(options: RestoreOptions): Promise<BackupManifest> {
  const manifest = await verifyFile(options.file);
  const root = resolve(options.stateRoot);
  await makeDirectory(root);
  const lock = await acquireLock(root);
  try {
    const before = await cutOffRestore(root);
    if (before !== undefined && (await hasLanded(options, root, before))) {
      await clearMark(root);
      return manifest;
    }
    const restoreId = options.random.hex(16);
    await writeWholeFile(join(root, RESTORING), `${restoreId}\n`, options.random);
    await wipe(root);
    const target = await fill(options, root, copyOf(manifest, restoreId, options.clock.now())).catch(
      async (error: unknown) => {
        await wipe(root);
        await clearMark(root);
        throw error;
      },
    );
    // A database that is lost while it commits may have the store or not: the mark stays, and the next try looks.
    await target.finish();
    await clearMark(root);
    return manifest;
  } finally {
    await lock.release();
  }
}

/** The id of the restore that was cut off here; refuses a root that holds anything else. */
export async function cutOffRestore(root: string): Promise<string | undefined> {
  const found = (await readdir(root)).filter((name) => !HARMLESS.test(name));
  if (found.includes(RESTORING)) return (await readFile(join(root, RESTORING), "utf8")).trim();
  if (found.length > 0)
    throw new BackupError("not_empty", `${root} is not empty: restore into a directory that holds nothing`);
  return undefined;
}

/** The store may have landed, last of all, and only the mark stayed. */
async function hasLanded({ lookFor }: RestoreOptions, root: string, restoreId: string): Promise<boolean> {
  const copy = await lookFor(root).catch(() => undefined);
  return copy?.restore_id === restoreId;
}

/** Everything is in place but the store, which waits for its last word. */
async function fill(options: RestoreOptions, root: string, copy: RestoredCopy): Promise<SnapshotTarget> {
  const { file, random, openTarget } = options;
  const blobs = await openBlobsDirectory(join(root, "blobs"), random);
  const target = await openTarget(root);
  try {
    await readArchive(archiveIn(file), {
      rows: (table, rows) =>
        target.add(table, table === "records" ? rows.filter((row) => !isRestoredCopyRow(row)) : rows),
      blob: async (_sha256, bytes) => void (await blobs.put(bytes)),
      file: (path, bytes) => writeFile(join(root, path), bytes),
    });
    await target.add("records", [restoredCopyRow(copy)]);
    await syncDirectory(root);
    return target;
  } catch (error) {
    await target.abandon();
    throw error;
  }
}

function copyOf(manifest: BackupManifest, restoreId: string, nowMs: number): RestoredCopy {
  return {
    restore_id: restoreId,
    backup_id: manifest.backup_id,
    backed_up_at_ms: manifest.created_at_ms,
    restored_at_ms: nowMs,
  };
}

/** Everything but the mark, which goes last, and the lock, which is held. */
async function wipe(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (name !== RESTORING && !HARMLESS.test(name))
      await rm(join(root, name), { recursive: true, force: true });
  }
}

async function clearMark(root: string): Promise<void> {
  await syncDirectory(root);
  await rm(join(root, RESTORING));
  await syncDirectory(root);
}

async function writeFile(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  await makeDirectory(dirname(path));
  const file: FileHandle = await open(path, "wx", 0o600);
  try {
    for await (const chunk of bytes) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(path));
}
