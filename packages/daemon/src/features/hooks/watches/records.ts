import type { Json } from "@kheish/contract";
import { digest } from "../../../engine/index.ts";
import type { Op, Store, StoredRecord } from "../../../kernel/store.ts";
import type { Fingerprint } from "./fingerprint.ts";

const KIND = "hook_watch";
const INDEX = "session";

/** A path that a session's hooks want to hear of. */
export interface Watch {
  session_id: string;
  /** Relative to the workspace. */
  path: string;
  /** As it was when its hooks were told last. */
  seen: Fingerprint;
  since_ms: number;
}

export interface KeptWatch {
  id: string;
  revision: number;
  watch: Watch;
}

export function putWatch(watch: Watch, expectedRevision?: number): Op {
  const { session_id, path } = watch;
  return {
    op: "put",
    kind: KIND,
    id: idOf(watch),
    data: watch as unknown as Json,
    keys: { [INDEX]: [session_id, path] },
    ...(expectedRevision === undefined ? {} : { expectedRevision }),
  };
}

export function deleteWatch({ id }: Pick<KeptWatch, "id">): Op {
  return { op: "delete", kind: KIND, id };
}

export function idOf({ session_id, path }: Pick<Watch, "session_id" | "path">): string {
  return digest([session_id, path]).slice(0, 32);
}

export async function readWatch(store: Store, id: string): Promise<KeptWatch | undefined> {
  const stored = await store.get(KIND, id);
  return stored === undefined ? undefined : kept(stored);
}

export async function listWatches(store: Store, limit: number, sessionId?: string): Promise<KeptWatch[]> {
  const prefix = sessionId === undefined ? {} : { prefix: [sessionId] };
  return (await store.list(KIND, { index: INDEX, limit, ...prefix })).map(kept);
}

export function countWatches(store: Store): Promise<number> {
  return store.count(KIND, { index: INDEX });
}

function kept({ id, revision, data }: StoredRecord): KeptWatch {
  return { id, revision, watch: data as unknown as Watch };
}
