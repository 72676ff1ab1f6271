import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../kernel/durable-files.ts";
import type { Log } from "../kernel/log.ts";
import type { SecurityEvent } from "./http/index.ts";

/** Callers whom nobody knows decide how much is written here, so it has an end: five files of this size. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const OLD_FILES = 4;
/** Lines that may wait for a disk that does not keep up; the next line written says how many were left out. */
const MAX_WAITING = 10_000;

/**
 * The lines of refused callers, `<state_root>/control-plane-auth/audit.jsonl`, for the daemon's user alone. Old lines
 * move to `audit.1.jsonl` and on, up to `audit.4.jsonl`. No request waits for them and none fails by them.
 */
export class ControlPlaneAudit {
  readonly #directory: string;
  readonly #log: Log;
  readonly #maxFileBytes: number;
  #file: FileHandle | undefined;
  #bytes = 0;
  #waiting = 0;
  #dropped = 0;
  #written: Promise<void> = Promise.resolve();

  private constructor(directory: string, log: Log, maxFileBytes: number) {
    this.#directory = directory;
    this.#log = log;
    this.#maxFileBytes = maxFileBytes;
  }

  static async open(stateRoot: string, log: Log, maxFileBytes = MAX_FILE_BYTES): Promise<ControlPlaneAudit> {
    const directory = join(stateRoot, "control-plane-auth");
    await makeDirectory(directory);
    const audit = new ControlPlaneAudit(directory, log, maxFileBytes);
    await audit.#openFile();
    return audit;
  }

  record(event: SecurityEvent): void {
    if (this.#waiting >= MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    this.#waiting += 1;
    this.#written = this.#written.then(() => this.#write(event));
  }

  /** Resolves when all lines so far are on disk. */
  async close(): Promise<void> {
    await this.#written;
    if (this.#dropped > 0)
      this.#log.error({ lines: this.#dropped }, "lines of the control-plane audit are missing");
    await this.#file?.sync();
    await this.#file?.close();
    this.#file = undefined;
  }

  async #write(event: SecurityEvent): Promise<void> {
    try {
      const dropped = this.#dropped === 0 ? {} : { dropped_lines: this.#dropped };
      const line = `${JSON.stringify({ ...event, ...dropped })}\n`;
      const bytes = Buffer.byteLength(line);
      if (this.#bytes + bytes > this.#maxFileBytes && this.#bytes > 0) await this.#rotate();
      await this.#file?.appendFile(line);
      this.#bytes += bytes;
      this.#dropped = 0;
    } catch (error) {
      this.#dropped += 1;
      this.#log.error({ err: error }, "a line of the control-plane audit could not be written");
    } finally {
      this.#waiting -= 1;
    }
  }

  async #openFile(): Promise<void> {
    this.#file = await open(this.#path(0), "a", 0o600);
    this.#bytes = (await this.#file.stat()).size;
  }

  async #rotate(): Promise<void> {
    await this.#file?.sync();
    await rm(this.#path(OLD_FILES), { force: true });
    for (let age = OLD_FILES - 1; age >= 0; age--)
      await rename(this.#path(age), this.#path(age + 1)).catch(ignoreMissing);
    const old = this.#file;
    await this.#openFile();
    await old?.close();
  }

  #path(age: number): string {
    return join(this.#directory, age === 0 ? "audit.jsonl" : `audit.${age}.jsonl`);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
