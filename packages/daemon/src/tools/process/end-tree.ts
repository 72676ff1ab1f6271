import { type Clock, sleep } from "../../kernel/clock.ts";
import type { ProcessTraces } from "./traces.ts";

/** What the record of a process says of it. */
export interface KnownProcess {
  pid?: number;
  groupId?: number;
  startedAt?: string;
  marker: { name: string; value: string };
}

export interface TreeShutdown {
  /** Something of it was still there. */
  matched: boolean;
  signalled: boolean;
  timedOut: boolean;
  remaining: number[];
}

const GRACE_STEPS = 10;
const GRACE_STEP_MS = 50;

/**
 * Ends what a dead daemon left of a command: the group, if its leader is still the one that was recorded, and whoever
 * carries the task's marker. A process that only has the number is somebody else's and is left alone (04-R45).
 */
export async function endTree(
  known: KnownProcess,
  traces: ProcessTraces,
  clock: Clock,
): Promise<TreeShutdown> {
  const alive = () => ours(known, traces);
  let left = await alive();
  if (left.length === 0) return { matched: false, signalled: false, timedOut: false, remaining: [] };
  await signalAll(known, left, traces, "SIGTERM");
  for (let step = 0; step < GRACE_STEPS && left.length > 0; step++) {
    await sleep(clock, GRACE_STEP_MS);
    left = await alive();
  }
  if (left.length > 0) {
    await signalAll(known, left, traces, "SIGKILL");
    await sleep(clock, GRACE_STEP_MS);
    left = await alive();
  }
  return { matched: true, signalled: true, timedOut: left.length > 0, remaining: left };
}

async function ours({ pid, startedAt, marker }: KnownProcess, traces: ProcessTraces): Promise<number[]> {
  const marked = await traces.carrying(marker.name, marker.value);
  const isLeader =
    pid !== undefined && startedAt !== undefined && (await traces.startedAt(pid)) === startedAt;
  return [...new Set([...(isLeader ? [pid] : []), ...marked])];
}

async function signalAll(
  { pid, groupId, startedAt }: KnownProcess,
  left: readonly number[],
  traces: ProcessTraces,
  signal: "SIGTERM" | "SIGKILL",
): Promise<void> {
  for (const one of left) {
    const leads = one === pid && groupId !== undefined && (await traces.startedAt(one)) === startedAt;
    if (leads) traces.signalGroup(groupId, signal);
    else traces.signal(one, signal);
  }
}
