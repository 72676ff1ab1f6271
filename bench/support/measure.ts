import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The median over rounds of one figure of each. */
export function medianOf<R>(rounds: readonly R[], figure: (one: R) => number): number {
  return round(median(rounds.map(figure)));
}

/** What one sync of one page costs on this machine now, in ms: nothing durable can be faster. */
export function fsyncMs(): number {
  const path = join(tmpdir(), `kheish-fsync-${process.pid}`);
  const file = openSync(path, "w");
  const page = Buffer.alloc(4096);
  const times = Array.from({ length: 50 }, () => {
    const start = performance.now();
    writeSync(file, page);
    fdatasyncSync(file);
    return performance.now() - start;
  });
  closeSync(file);
  rmSync(path);
  return round(median(times));
}
