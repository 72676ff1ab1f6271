import type { ExternalActionTrace } from "@kheish/contract";
import type { StoredEvent } from "../../kernel/store.ts";
import { actionsOf, BUCKET_STREAM_PREFIX } from "./stored.ts";

export interface ToldActions {
  session_id?: string;
  run_id?: string;
  actions: ExternalActionTrace[];
}

/** What an event of the journal tells of actions; undefined when it is none of the ledger's. */
export function toldActions(event: StoredEvent): ToldActions | undefined {
  if (event.type !== "actions" || !event.stream.startsWith(BUCKET_STREAM_PREFIX)) return undefined;
  const { scope, records } = actionsOf(event);
  const { session_id, run_id } = scope;
  return {
    ...(session_id === undefined ? {} : { session_id }),
    ...(run_id === undefined ? {} : { run_id }),
    actions: records.map(({ hash: _hash, detail: _detail, ...action }) => action),
  };
}
