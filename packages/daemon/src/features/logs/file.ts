import { type FileHandle, mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../kernel/durable-files.ts";
import { errnoOf } from "../../kernel/errno.ts";

/** Two files of this size at most; the ring wants no more lines than one of them has. */
const MAX_FILE_LINES = 5_000;
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** Lines that may wait for a disk that does not keep up. What is beyond is in the ring and on standard error. */
const MAX_WAITING = 10_000;
const LINE = /^(\d{1,15}) (\{.*\})$/;

/** What earlier daemons wrote: the newest lines, and the place of the last. */
export interface KeptLines {
  last: number;
  lines: string[];
}

/**
 * The log's newest lines on disk, `<state_root>/logs/daemon.log` and the file before it, for the daemon's user alone.
 * A line is its place and then what pino wrote. Nobody waits for it and nothing fails by it: a process that is killed
 * loses what it had not yet handed to the system, and a disk that refuses costs lines here and nowhere else.
 */
export class LogFile {
  readonly #directory: string;
  #file: FileHandle | undefined;
  #lines: number;
  #bytes = 0;
  /** The last line has no end: a process was killed in it, or the disk was full. The next one must not be part of it. */
  #isCut = false;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;

  private constructor(directory: string, lines: number) {
    this.#directory = directory;
    this.#lines = lines;
  }

  static async open(stateRoot: string): Promise<{ file: LogFile; kept: KeptLines }> {
    const directory = join(stateRoot, "logs");
    await makeDirectory(directory);
    const older = await readLines(before(directory));
    const newer = await readLines(current(directory));
    const file = new LogFile(directory, newer.length);
    await file.#open();
    const lines = [...older, ...newer];
    const last = lines.at(-1)?.place ?? 0;
    // Places without a gap: lines that were lost between two others cut off what is before them.
    const from = lines.findLastIndex(({ place }, index) => place !== last - (lines.length - 1 - index)) + 1;
    return { file, kept: { last, lines: lines.slice(from).map(({ line }) => line) } };
  }

  write(place: number, line: string): void {
    if (this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push(`${place} ${line.trimEnd()}\n`);
    this.#writing ??= this.#drain();
  }

  /** Resolves when all lines so far are on disk. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.sync().catch(() => undefined);
    await this.#close();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      const text = lines.join("");
      try {
        if (!(await this.#isInPlace())) await this.#openAnew();
        if (this.#lines >= MAX_FILE_LINES || this.#bytes >= MAX_FILE_BYTES) await this.#rotate();
        const ended = this.#isCut ? `\n${text}` : text;
        this.#isCut = true;
        await this.#file?.appendFile(ended);
        this.#isCut = false;
        this.#lines += lines.length;
        this.#bytes += Buffer.byteLength(ended);
      } catch {
        // A line about it would have the same fate.
      }
    }
    this.#writing = undefined;
  }

  /** False also when somebody moved or deleted the file, or the last rotation failed half-way. */
  async #isInPlace(): Promise<boolean> {
    if (this.#file === undefined) return false;
    const [here, there] = await Promise.all([
      this.#file.stat({ bigint: true }),
      stat(current(this.#directory), { bigint: true }).catch(() => undefined),
    ]);
    return here.dev === there?.dev && here.ino === there.ino;
  }

  async #openAnew(): Promise<void> {
    await this.#close();
    // Not the state root as well: one that was moved away can come back only to an empty place.
    await mkdir(this.#directory, { mode: 0o700 }).catch((error: unknown) => {
      if (errnoOf(error) !== "EEXIST") throw error;
    });
    await this.#open();
    this.#lines = 0;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #open(): Promise<void> {
    this.#file = await open(current(this.#directory), "a+", 0o600);
    this.#bytes = (await this.#file.stat()).size;
    this.#isCut = this.#bytes > 0 && !(await endsWithLine(this.#file, this.#bytes));
  }

  async #rotate(): Promise<void> {
    await this.#close();
    await rename(current(this.#directory), before(this.#directory));
    await this.#open();
    this.#lines = 0;
  }
}

function current(directory: string): string {
  return join(directory, "daemon.log");
}

function before(directory: string): string {
  return join(directory, "daemon.1.log");
}

async function endsWithLine(file: FileHandle, bytes: number): Promise<boolean> {
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, bytes - 1);
  return buffer.toString() === "\n";
}

/** The whole lines of a file; one that was cut off by a crash is left out. */
async function readLines(path: string): Promise<{ place: number; line: string }[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return "";
    throw error;
  });
  return text.split("\n").flatMap((row) => {
    const [, place, line = ""] = LINE.exec(row) ?? [];
    return place === undefined || !isJson(line) ? [] : [{ place: Number(place), line }];
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
