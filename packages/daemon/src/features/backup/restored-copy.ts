import type { AuditLedger } from "../../governance/audit/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { SnapshotRow } from "../../kernel/snapshot.ts";
import type { Store } from "../../kernel/store.ts";

interface ReleaseDeps {
  store: Store;
  clock: Clock;
  audit: Pick<AuditLedger, "commitAdmin">;
}

const KIND = "restored_copy";
const ID = "current";

/** Says that a store came out of a backup, and since when it may act like any other. */
export interface RestoredCopy {
  restore_id: string;
  backup_id: string;
  backed_up_at_ms: number;
  restored_at_ms: number;
  released_at_ms?: number;
  [key: string]: string | number | undefined;
}

/** The record as a row of the snapshot that is being loaded; an older one in the archive is not loaded. */
export function restoredCopyRow(copy: RestoredCopy): SnapshotRow {
  return [KIND, ID, 1, JSON.stringify(copy), "{}"];
}
export function isRestoredCopyRow([kind, id]: SnapshotRow): boolean {
  return kind === KIND && id === ID;
}

export async function restoredCopy(store: Store): Promise<RestoredCopy | undefined> {
  return (await store.get(KIND, ID))?.data as RestoredCopy | undefined;
}

/**
 * Whether a daemon on this store has to hold still. A copy knows nothing of what its original did after the backup:
 * beside a living original, or in place of one that lived on, it would do the same things once more. So it drives no
 * run, fires no timer and signs nothing until an operator has said that it takes the original's place.
 */
export async function isHeldCopy(store: Store): Promise<boolean> {
  const copy = await restoredCopy(store);
  return copy !== undefined && copy.released_at_ms === undefined;
}

/** The operator has said so; the store remembers it, and so does the audit. */
export async function releaseCopy({ store, clock, audit }: ReleaseDeps): Promise<void> {
  for (;;) {
    const kept = await store.get(KIND, ID);
    const copy = kept?.data as RestoredCopy | undefined;
    if (kept === undefined || copy === undefined || copy.released_at_ms !== undefined) return;
    const data = { ...copy, released_at_ms: clock.now() } as Record<string, string | number>;
    const { restore_id, backup_id, backed_up_at_ms, restored_at_ms } = copy;
    const result = await audit.commitAdmin(
      [{ op: "put", kind: KIND, id: ID, data, keys: {}, expectedRevision: kept.revision }],
      {
        principal: "serve",
        target: "restored_copy",
        change: { released: restore_id, backup_id, backed_up_at_ms, restored_at_ms },
      },
    );
    if (result.ok) return;
  }
}
