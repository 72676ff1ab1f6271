import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const POLL_MS = 50;
const MOST_BYTES = 64 * 1024 * 1024;

/** How often a command wrote that it began, and that it ended. */
export interface Written {
  began: number;
  ended: number;
}

/** What the commands did and which of them run, as the machine has it, whatever any daemon says. */
export class Machine {
  readonly ledger: string;

  constructor(ledger: string) {
    this.ledger = ledger;
  }

  /** By the command's name. */
  async written(): Promise<Map<string, Written>> {
    const written = new Map<string, Written>();
    const text = await readFile(this.ledger, "utf8").catch(() => "");
    for (const line of text.split("\n")) {
      const [what, name] = line.split(" ");
      if (name === undefined || (what !== "began" && what !== "ended")) continue;
      const of = written.get(name) ?? { began: 0, ended: 0 };
      of[what] += 1;
      written.set(name, of);
    }
    return written;
  }

  /** The names of the commands of which a process is there. */
  async running(): Promise<Set<string>> {
    return new Set((await this.#processes()).map(({ name }) => name));
  }

  /** Those of them that are still there when the time is over. */
  async leftOf(names: ReadonlySet<string>, withinMs: number): Promise<Set<string>> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const left = (await this.running()).intersection(names);
      if (left.size === 0 || performance.now() >= deadline) return left;
      await delay(POLL_MS);
    }
  }

  /** Whatever a daemon should have ended and did not. */
  async clear(): Promise<void> {
    for (const { pid } of await this.#processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  async #processes(): Promise<{ pid: number; name: string }[]> {
    const { stdout } = await run("ps", ["-A", "-ww", "-o", "pid=,args="], { maxBuffer: MOST_BYTES });
    return stdout.split("\n").flatMap((line) => {
      const name = line.includes(this.ledger) ? /\br\d+-[a-z]+\b/.exec(line)?.[0] : undefined;
      return name === undefined ? [] : [{ pid: Number.parseInt(line, 10), name }];
    });
  }
}
