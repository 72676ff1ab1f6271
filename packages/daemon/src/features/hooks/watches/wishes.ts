import type { Clock } from "../../../kernel/clock.ts";
import type { Op, Store } from "../../../kernel/store.ts";
import { fingerprintOf, watchable } from "./fingerprint.ts";
import { countWatches, listWatches, putWatch } from "./records.ts";

export const MAX_PER_SESSION = 64;
export const MAX_IN_ALL = 1_024;

/** Why a hook's answer with these `watch_paths` is not taken, or undefined. */
export function refusalOf(workspaceRoot: string, paths: readonly string[]): string | undefined {
  if (paths.length > MAX_PER_SESSION) return `watch_paths: one session watches ${MAX_PER_SESSION} paths`;
  for (const path of paths) {
    const found = watchable(workspaceRoot, path);
    if ("refusal" in found) return `watch_paths: ${found.refusal}`;
  }
  return undefined;
}

export interface Wishes {
  store: Store;
  clock: Clock;
  workspaceRoot: string;
}

/** What has these paths watched besides those that are; `left` of them are beyond the bounds, and are not. */
export async function fulfil(
  { store, clock, workspaceRoot }: Wishes,
  sessionId: string,
  paths: readonly string[],
): Promise<{ ops: Op[]; left: number }> {
  const held = await listWatches(store, MAX_PER_SESSION, sessionId);
  const known = new Set(held.map(({ watch }) => watch.path));
  const fresh = new Set(
    paths.flatMap((path) => {
      const found = watchable(workspaceRoot, path);
      return "refusal" in found || known.has(found.path) ? [] : [found.path];
    }),
  );
  if (fresh.size === 0) return { ops: [], left: 0 };
  const room = Math.min(MAX_PER_SESSION - held.length, MAX_IN_ALL - (await countWatches(store)));
  const taken = [...fresh].slice(0, Math.max(0, room));
  const since_ms = clock.now();
  const ops = taken.map(async (path) => {
    const seen = await fingerprintOf(workspaceRoot, path);
    return putWatch({ session_id: sessionId, path, seen, since_ms });
  });
  return { ops: await Promise.all(ops), left: fresh.size - taken.length };
}
