import { createHash } from "node:crypto";
import { access, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { BackupManifest } from "@kheish/contract";
import { syncDirectory } from "../../../../kernel/durable-files.ts";
import { systemRandom } from "../../../../kernel/random.ts";
import { CliError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";

export interface Received {
  file: string;
  sizeBytes: number;
  sha256: string;
  manifest: BackupManifest;
}

/** A backup replaces none; said before anything is asked of the daemon. */
export async function refuseExisting(file: string): Promise<void> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) throw new CliError(`${file} is there already; a backup replaces none`, ExitCode.conflict);
}

/**
 * Writes an archive under a name of its own, reads it back, and only then gives it the name that was asked for:
 * what stands there is whole, on the disk, and readable by its owner alone.
 */
export async function receive(
  archive: AsyncIterable<Uint8Array>,
  file: string,
  verify: (path: string) => Promise<BackupManifest>,
): Promise<Received> {
  const temporary = `${file}.${systemRandom.hex(6)}.tmp`;
  try {
    const { sizeBytes, sha256 } = await write(archive, temporary);
    const manifest = await verify(temporary);
    await refuseExisting(file);
    await rename(temporary, file);
    await syncDirectory(dirname(file));
    return { file, sizeBytes, sha256, manifest };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function write(
  archive: AsyncIterable<Uint8Array>,
  path: string,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const file = await open(path, "wx", 0o600);
  try {
    for await (const chunk of archive) {
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}
