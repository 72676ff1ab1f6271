import { createHash } from "node:crypto";
import { access, type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { BackupManifest } from "@kheish/contract";
import { syncDirectory } from "../../../../kernel/durable-files.ts";
import { systemRandom } from "../../../../kernel/random.ts";
import { CliError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import { cannotWrite } from "../../file-failure.ts";

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
 * what stands there is whole, on the disk, and readable by its owner alone. Where nothing can be written nothing is
 * asked of the daemon.
 */
export async function receive(
  archive: () => Promise<AsyncIterable<Uint8Array>>,
  file: string,
  verify: (path: string) => Promise<BackupManifest>,
): Promise<Received> {
  const temporary = `${file}.${systemRandom.hex(6)}.tmp`;
  const opened = await open(temporary, "wx", 0o600).catch((error: unknown) => {
    throw new CliError(cannotWrite(file, error));
  });
  try {
    const { sizeBytes, sha256 } = await write(archive, opened);
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
  archive: () => Promise<AsyncIterable<Uint8Array>>,
  file: FileHandle,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  try {
    for await (const chunk of await archive()) {
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
