import { open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, sleep } from "./clock.ts";
import { errnoOf } from "./errno.ts";
import type { Random } from "./random.ts";

/** Whether a directory can be written to right now (02, DaemonStatusView, storage). */
export interface StorageProbe {
  name: string;
  path: string;
  state: "ok" | "error";
  writable: boolean;
  latency_ms: number;
  code: "storage_writable" | "storage_write_probe_failed";
  message: string;
  action?: string;
}

/** A disk that takes longer to keep a few bytes is as good as none. */
const TIMEOUT_MS = 2_000;

/** Creates, writes, syncs and deletes a file in the directory (02-R98). Never rejects. */
export async function probeDirectory(
  { name, path }: { name: string; path: string },
  { clock, random }: { clock: Clock; random: Random },
): Promise<StorageProbe> {
  const startedAt = clock.now();
  const over = new AbortController();
  const late = sleep(clock, TIMEOUT_MS, over.signal).then(() => `no answer within ${TIMEOUT_MS} ms`);
  const failure = await Promise.race([writeOnce(join(path, `.kheish-probe-${random.hex(8)}`)), late]);
  over.abort();
  const measured = { name, path, latency_ms: clock.now() - startedAt };
  if (failure === undefined) {
    return {
      ...measured,
      state: "ok",
      writable: true,
      code: "storage_writable",
      message: "can be written to",
    };
  }
  return {
    ...measured,
    state: "error",
    writable: false,
    code: "storage_write_probe_failed",
    message: `cannot be written to: ${failure}`,
    action: "look at the disk's free space, its mount and the directory's permissions",
  };
}

/** Why it failed; undefined when it did not. The file goes in either case, also when nobody waits any more. */
async function writeOnce(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile("kheish\n");
      await file.sync();
    } finally {
      await file.close();
      await unlink(path);
    }
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? "the write failed";
  }
}
