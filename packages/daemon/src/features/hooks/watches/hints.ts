import { watch } from "node:fs";
import { stat } from "node:fs/promises";
import { systemErrorCode } from "../../../tools/failure.ts";

/** Watches the entries of one directory until it is closed; undefined where the system does not. */
export type WatchDirectory = (path: string, onChange: () => void) => { close(): void } | undefined;

/** By the system's own notifications. Where they run out or break, nothing is lost: paths are looked at anyway. */
export const watchDirectory: WatchDirectory = (path, onChange) => {
  try {
    const watcher = watch(path, { persistent: false }, () => onChange());
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
};

interface Hinted {
  /** Another directory under the same name has to be watched anew. */
  identity: string;
  watcher: { close(): void };
}

/** The directories that are watched, so that a change is seen before it is looked for. */
export class Hints {
  readonly #watch: WatchDirectory;
  readonly #onChange: (directory: string) => void;
  readonly #hinted = new Map<string, Hinted>();

  constructor(watchDirectory: WatchDirectory, onChange: (directory: string) => void) {
    this.#watch = watchDirectory;
    this.#onChange = onChange;
  }

  /** From now on these directories, and no others. */
  async follow(directories: ReadonlySet<string>): Promise<void> {
    for (const directory of this.#hinted.keys()) if (!directories.has(directory)) this.#close(directory);
    for (const directory of directories) {
      const identity = await identityOf(directory);
      if (this.#hinted.get(directory)?.identity === identity) continue;
      this.#close(directory);
      const watcher =
        identity === undefined ? undefined : this.#watch(directory, () => this.#onChange(directory));
      if (watcher !== undefined && identity !== undefined) {
        this.#hinted.set(directory, { identity, watcher });
      }
    }
  }

  close(): void {
    for (const directory of this.#hinted.keys()) this.#close(directory);
  }

  #close(directory: string): void {
    this.#hinted.get(directory)?.watcher.close();
    this.#hinted.delete(directory);
  }
}

async function identityOf(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(directory);
    return `${dev}:${ino}`;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
