import { access, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Clock, sleep } from "./clock.ts";
import { makeDirectory, writeWholeFile } from "./durable-files.ts";
import { asFileError, errnoOf } from "./errno.ts";
import type { Random } from "./random.ts";
import { acquireLock, type StateRootLock } from "./state-root-lock.ts";
import { StoreError } from "./store.ts";

/** The directory that holds everything a daemon knows, and the proof that no other process uses it. */
export interface StateRoot {
  readonly path: string;
  /** Names this root across restarts; the owner of its leases and claims. */
  readonly instanceId: string;
  readonly lock: StateRootLock;
  /** Gives the root up; the death of the process does so too. */
  release(): Promise<void>;
}

/** The mark of a root that is being filled from a backup: until it is gone the root is nobody's. */
export const RESTORING = "restoring";

/** How long to wait for whoever holds the root. A restart meets its predecessor for as long as that drains (02-R97). */
export interface LockPatience {
  clock: Clock;
  waitMs: number;
  /** Hears once that there is something to wait for. */
  onWait?: (why: string) => void;
}

const LOCK_RETRY_MS = 50;

export async function openStateRoot(
  path: string,
  random: Random,
  patience?: LockPatience,
): Promise<StateRoot> {
  const root = resolve(path);
  try {
    await makeDirectory(root);
    return await lockedRoot(root, random, patience);
  } catch (error) {
    throw asFileError(error, root);
  }
}

async function lockedRoot(root: string, random: Random, patience?: LockPatience): Promise<StateRoot> {
  const lock = await lockInTime(root, patience);
  try {
    await refuseHalfRestored(root);
    const instanceId = await instanceIdOf(root, random);
    return { path: root, instanceId, lock: lock.state, release: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function lockInTime(root: string, patience?: LockPatience): ReturnType<typeof acquireLock> {
  const until = (patience?.clock.now() ?? 0) + (patience?.waitMs ?? 0);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await acquireLock(root);
    } catch (error) {
      const isHeld = error instanceof StoreError && error.code === "locked";
      if (!isHeld || patience === undefined || patience.clock.now() >= until) throw error;
      if (attempt === 1) patience.onWait?.(error.message);
      await sleep(patience.clock, LOCK_RETRY_MS);
    }
  }
}

async function refuseHalfRestored(root: string): Promise<void> {
  const isMarked = await access(join(root, RESTORING)).then(
    () => true,
    () => false,
  );
  if (isMarked)
    throw new StoreError(
      "corrupt",
      `${root} holds half a restore: run the same 'kheish restore' again, which finishes it or begins anew`,
    );
}

/** Read or made while the lock is held, so two processes never make two. */
async function instanceIdOf(root: string, random: Random): Promise<string> {
  const path = join(root, "instance-id");
  const present = await readFile(path, "utf8").catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (present === undefined) {
    const fresh = random.hex(16);
    await writeWholeFile(path, `${fresh}\n`, random);
    return fresh;
  }
  const instanceId = present.trim();
  if (!/^[0-9a-f]{32}$/.test(instanceId)) throw new StoreError("corrupt", `${path} holds no instance id`);
  return instanceId;
}
