import type { Op, Store, StoredRecord } from "../../../kernel/store.ts";
import { RUNTIME_STREAM } from "../../events/index.ts";
import { HISTORY_LIMIT, type Revision, readRevision } from "./revision.ts";

/** The one record that is in force; its revision is the configuration's. */
const KIND = "runtime_settings";
const ID = "current";
/** The past ones, by their number. */
const PAST = "runtime_revision";

/** The one in force; undefined when nothing was ever changed. */
export function storedCurrent(store: Store): Promise<StoredRecord | undefined> {
  return store.get(KIND, ID);
}

/** The past ones, oldest first. */
export async function readHistory(store: Store): Promise<Revision[]> {
  const past = await store.list(PAST, { index: "revision", limit: HISTORY_LIMIT, reverse: true });
  return past.map(readRevision).reverse();
}

/** The new revision in force, the one before it in the history, the oldest gone, and the event that says so. */
export function opsFor(before: Revision | undefined, next: Revision): Op[] {
  const { revision, setting, actor } = next;
  const data = (value: Revision) => value as unknown as Extract<Op, { op: "put" }>["data"];
  return [
    {
      op: "put",
      kind: KIND,
      id: ID,
      data: data(next),
      keys: {},
      expectedRevision: before?.revision ?? 0,
    },
    ...(before === undefined ? [] : [pastOp(before, data(before))]),
    ...(revision - 1 > HISTORY_LIMIT
      ? [{ op: "delete", kind: PAST, id: String(revision - 1 - HISTORY_LIMIT) } as const]
      : []),
    {
      op: "append",
      stream: RUNTIME_STREAM,
      events: [
        {
          type: "setting_changed",
          atMs: next.updated_at_ms,
          data: { setting, revision, ...(actor === undefined ? {} : { actor }) },
        },
      ],
    },
  ];
}

function pastOp({ revision }: Revision, data: Extract<Op, { op: "put" }>["data"]): Op {
  return { op: "put", kind: PAST, id: String(revision), data, keys: { revision: [revision] } };
}
