import { type Clock, sleep } from "../../kernel/clock.ts";
import type { ProcessTraces } from "./traces.ts";

/** What the record of a process says of it. */
export interface KnownProcess {
  pid?: number;
  groupId?: number;
  startedAt?: string;
  /** What its marker says, and that of whoever it started. */
  mark: string;
}

export interface TreeShutdown<P extends KnownProcess> {
  process: P;
  /** Something of it was still there. */
  matched: boolean;
  signalled: boolean;
  timedOut: boolean;
  remaining: readonly number[];
}

/** A process with what is left of it and of those that it started. */
interface Tree<P extends KnownProcess = KnownProcess> {
  process: P;
  left: readonly number[];
}

const GRACE_STEPS = 10;
const GRACE_STEP_MS = 50;

/**
 * Ends what a dead daemon left of its commands: the group of each, if its leader is still the one that was recorded, and
 * whoever carries its mark in the variable `marker`. A process that only has the number is somebody else's and is left
 * alone (04-R45). All of them together: the processes of the machine are looked through once for each step, not for each
 * command.
 */
export async function endTrees<P extends KnownProcess>(
  processes: readonly P[],
  marker: string,
  traces: ProcessTraces,
  clock: Clock,
): Promise<TreeShutdown<P>[]> {
  const trees = processes.map((process): Tree<P> => ({ process, left: [] }));
  let standing: readonly Tree[] = await stillStanding(trees, marker, traces);
  const matched = new Set<Tree>(standing);
  await signalAll(standing, traces, "SIGTERM");
  for (let step = 0; step < GRACE_STEPS && standing.length > 0; step++) {
    await sleep(clock, GRACE_STEP_MS);
    standing = await stillStanding(standing, marker, traces);
  }
  if (standing.length > 0) {
    await signalAll(standing, traces, "SIGKILL");
    await sleep(clock, GRACE_STEP_MS);
    standing = await stillStanding(standing, marker, traces);
  }
  return trees.map((tree) => ({
    process: tree.process,
    matched: matched.has(tree),
    signalled: matched.has(tree),
    timedOut: tree.left.length > 0,
    remaining: tree.left,
  }));
}

/** Looks at what is left of each; answers those of which something is. */
async function stillStanding(
  trees: readonly Tree[],
  marker: string,
  traces: ProcessTraces,
): Promise<readonly Tree[]> {
  if (trees.length === 0) return [];
  const carriers = await traces.carriers(marker);
  await Promise.all(
    trees.map(async (tree) => {
      const { pid, mark } = tree.process;
      const leader = pid !== undefined && (await isItself(tree.process, pid, traces)) ? [pid] : [];
      tree.left = [...new Set([...leader, ...(carriers.get(mark) ?? [])])];
    }),
  );
  return trees.filter(({ left }) => left.length > 0);
}

/** The process of this number is the one that was recorded. */
async function isItself({ startedAt }: KnownProcess, pid: number, traces: ProcessTraces): Promise<boolean> {
  return startedAt !== undefined && (await traces.startedAt(pid)) === startedAt;
}

async function signalAll(
  trees: readonly Tree[],
  traces: ProcessTraces,
  signal: "SIGTERM" | "SIGKILL",
): Promise<void> {
  for (const { process, left } of trees) {
    const { pid, groupId } = process;
    for (const one of left) {
      const leads = one === pid && groupId !== undefined && (await isItself(process, one, traces));
      if (leads) traces.signalGroup(groupId, signal);
      else traces.signal(one, signal);
    }
  }
}
