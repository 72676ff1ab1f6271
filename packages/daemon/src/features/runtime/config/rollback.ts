import { problem, type RuntimeSetting } from "@kheish/contract";
import { sameSetting } from "./diff.ts";
import { FIELD_OF, type Revision, type Snapshot, snapshotOf } from "./revision.ts";

/**
 * The revision to go back to, of the past ones, oldest first (02-R7). Without a number it is the last one; for one
 * setting the last one in which that setting was another, so that later changes of others do not hide it (02-A9).
 */
export function rollbackTarget(
  current: Snapshot,
  history: readonly Revision[],
  wanted: { revision?: number; setting?: RuntimeSetting },
): Revision {
  const { revision, setting } = wanted;
  const kept = history.map((past) => past.revision);
  if (revision !== undefined) {
    const found = history.find((past) => past.revision === revision);
    if (found !== undefined) return found;
    throw notFound(`there is no past revision ${revision}; kept are ${listed(kept)}`);
  }
  const found =
    setting === undefined ? history.at(-1) : history.findLast((past) => !sameSetting(past, current, setting));
  if (found !== undefined) return found;
  throw notFound(
    setting === undefined
      ? "there is no past revision to go back to"
      : `no past revision has another ${setting}; kept are ${listed(kept)}`,
  );
}

/** The settings after going back: all of the target's, or this one only. */
export function rolledBack(
  current: Snapshot,
  target: Snapshot,
  setting: RuntimeSetting | undefined,
): Snapshot {
  if (setting === undefined) return snapshotOf(target);
  const field = FIELD_OF[setting];
  const { [field]: _present, ...others } = snapshotOf(current);
  return snapshotOf({ ...others, [field]: target[field] } as Snapshot);
}

export function notFound(detail: string) {
  return problem("runtime", "runtime_revision_not_found", detail);
}

function listed(revisions: readonly number[]): string {
  const [first] = revisions;
  if (first === undefined) return "none";
  return revisions.length === 1 ? String(first) : `${first} to ${revisions.at(-1)}`;
}
