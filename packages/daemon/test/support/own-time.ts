import { readFileSync } from "node:fs";

const LOOK_EVERY_MS = 5;

/**
 * How long something took in milliseconds, without what this process and `others` waited for a core meanwhile: what a
 * daemon promises, it promises of itself and not of a machine that others keep busy. Where the system does not say how
 * long they waited it is all of the time.
 */
export async function ownTime(others: readonly number[], work: () => Promise<unknown>): Promise<number> {
  const pids = [process.pid, ...others];
  const before = pids.map(waitedMs);
  const last = [...before];
  // Of a process that is gone nothing can be read any more.
  const look = () => {
    for (const [at, pid] of pids.entries()) last[at] = waitedMs(pid) ?? last[at];
  };
  const watching = setInterval(look, LOOK_EVERY_MS);
  const began = performance.now();
  try {
    await work();
  } finally {
    clearInterval(watching);
  }
  const tookMs = performance.now() - began;
  look();
  const waited = pids.reduce((sum, _, at) => sum + (last[at] ?? 0) - (before[at] ?? 0), 0);
  return tookMs - waited;
}

/** What a process was ready to run and did not, from its start on; undefined where nobody says. */
function waitedMs(pid: number): number | undefined {
  try {
    const [, nanoseconds] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
    return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e6;
  } catch {
    return undefined;
  }
}
