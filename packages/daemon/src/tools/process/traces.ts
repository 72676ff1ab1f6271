import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * What tells a process apart from another one that has its number today: when it began, and the environment it was
 * given. Numbers are given again; nothing is signalled by its number alone (04-R45).
 */
export interface ProcessTraces {
  /** When a process began, as text that no later process of this number has; undefined when there is none. */
  startedAt(pid: number): Promise<string | undefined>;
  /**
   * Every process that was given this variable, wherever it has moved to since, by what the variable says; where that can
   * be known. One look at all processes, however many values are asked for.
   */
  carriers(name: string): Promise<ReadonlyMap<string, readonly number[]>>;
  signal(pid: number, signal: "SIGTERM" | "SIGKILL"): boolean;
  signalGroup(groupId: number, signal: "SIGTERM" | "SIGKILL"): boolean;
}

const run = promisify(execFile);
/** The fields of `/proc/<pid>/stat` behind the name, which is in brackets and may hold anything. */
const START_TICKS = 19;

export function systemTraces(platform: NodeJS.Platform = process.platform): ProcessTraces {
  return {
    startedAt: platform === "linux" ? startedOnLinux : startedElsewhere,
    carriers: platform === "linux" ? carriersOnLinux : async () => new Map(),
    signal: (pid, signal) => send(pid, signal),
    signalGroup: (groupId, signal) => send(-groupId, signal),
  };
}

/** Ticks since the boot, and which boot: the same number on another machine is another process. */
async function startedOnLinux(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie is over; whoever has to reap it will.
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const boot = (await readFile("/proc/sys/kernel/random/boot_id", "latin1")).trim();
    return `${boot}:${fields[START_TICKS]}`;
  } catch {
    return undefined;
  }
}

async function carriersOnLinux(name: string): Promise<Map<string, number[]>> {
  const prefix = `${name}=`;
  const numbers = (await readdir("/proc").catch(() => [])).filter((entry) => /^\d+$/.test(entry));
  const found = new Map<string, number[]>();
  await Promise.all(
    numbers.map(async (number) => {
      // Those of others cannot be read, and none of them is ours.
      const environment = await readFile(`/proc/${number}/environ`, "latin1").catch(() => "");
      const given = environment.split("\0").filter((variable) => variable.startsWith(prefix));
      for (const variable of new Set(given)) {
        const value = variable.slice(prefix.length);
        found.set(value, [...(found.get(value) ?? []), Number(number)]);
      }
    }),
  );
  return found;
}

async function startedElsewhere(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run("ps", ["-o", "lstart=", "-p", String(pid)]);
    return stdout.trim() === "" ? undefined : stdout.trim();
  } catch {
    return undefined;
  }
}

function send(target: number, signal: "SIGTERM" | "SIGKILL"): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    // Gone, or its user is another one now.
    return false;
  }
}
