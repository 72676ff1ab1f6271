import type { Line } from "./bench.ts";

/** A side that is to be measured, and how it is started. */
export interface Candidate<S> {
  name: string;
  start: () => Promise<S>;
}

/** Starts what can be started; of the rest, a line says why not. */
export async function startSides<S>(
  candidates: readonly Candidate<S>[],
): Promise<{ sides: S[]; missing: Line[] }> {
  const sides: S[] = [];
  const missing: Line[] = [];
  for (const { name, start } of candidates) {
    try {
      sides.push(await start());
    } catch (error) {
      missing.push({ side: name, unavailable: error instanceof Error ? error.message : String(error) });
    }
  }
  return { sides, missing };
}
