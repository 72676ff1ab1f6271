import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
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

export async function openStateRoot(path: string, random: Random): Promise<StateRoot> {
  const root = resolve(path);
  try {
    await makeDirectory(root);
    return await lockedRoot(root, random);
  } catch (error) {
    throw asFileError(error, root);
  }
}

async function lockedRoot(root: string, random: Random): Promise<StateRoot> {
  const lock = await acquireLock(root);
  try {
    const instanceId = await instanceIdOf(root, random);
    return { path: root, instanceId, lock: lock.state, release: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
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
