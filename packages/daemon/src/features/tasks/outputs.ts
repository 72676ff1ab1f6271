import { appendFile, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../../kernel/errno.ts";
import { sha256Hex } from "../../tools/bytes.ts";

/** Where the output of commands stands while they run, by their task's record; it outlives the daemon. */
export interface TaskOutputs {
  append(id: string, bytes: Uint8Array): Promise<void>;
  /** In the place of all there was; a reader finds the one or the other. */
  replace(id: string, bytes: Uint8Array): Promise<void>;
  read(id: string): Promise<Buffer | undefined>;
  /** The last bytes, at most so many. */
  tail(id: string, bytes: number): Promise<Buffer | undefined>;
  remove(id: string): Promise<void>;
  /** Where an operator finds it, below the state root. */
  nameOf(id: string): string;
}

const DIRECTORY = "task-output";

/** One file a command, for the daemon's owner alone. */
export async function openTaskOutputs(stateRoot: string): Promise<TaskOutputs> {
  const directory = join(stateRoot, DIRECTORY);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const fileOf = (id: string) => join(directory, fileName(id));
  return {
    append: (id, bytes) => appendFile(fileOf(id), bytes, { mode: 0o600 }),
    async replace(id, bytes) {
      const next = `${fileOf(id)}.next`;
      await writeFile(next, bytes, { mode: 0o600 });
      await rename(next, fileOf(id));
    },
    read: (id) => readFile(fileOf(id)).catch(absent),
    tail: (id, bytes) => tailOf(fileOf(id), bytes).catch(absent),
    remove: (id) => rm(fileOf(id), { force: true }),
    nameOf: (id) => `${DIRECTORY}/${fileName(id)}`,
  };
}

/** A session's id may hold anything. */
function fileName(id: string): string {
  return `${sha256Hex(id).slice(0, 32)}.log`;
}

async function tailOf(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const wanted = Math.min(size, bytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted), 0, wanted, size - wanted);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function absent(error: unknown): undefined {
  if (errnoOf(error) === "ENOENT") return undefined;
  throw error;
}
