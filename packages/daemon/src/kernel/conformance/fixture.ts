import type { Json } from "@kheish/contract";
import { afterEach, beforeEach, expect } from "vitest";
import type { CommitOptions, Committed, NewEvent, Op, Refused, Store } from "../store.ts";

/** The data of one test, made empty. */
export interface StoreFixture {
  /** Opens a store on the data; again after a close, which is a restart. */
  open(): Promise<Store>;
  /** Removes the data; not called when the test failed. */
  cleanup(): Promise<void>;
  /** Whether several stores may be open on the data at once. */
  readonly concurrent?: boolean;
}

export type OpenFixture = () => Promise<StoreFixture>;

export interface Subject {
  /** The store that the running test is about. */
  readonly store: Store;
  /** Closes it and opens another on the same data. */
  restart(): Promise<Store>;
  /** Two stores on the same data; the same one twice where the engine serves one process. */
  pair(): Promise<readonly [Store, Store]>;
}

/** Gives every test of the calling suite a store of its own. */
export function useStore(openFixture: OpenFixture): Subject {
  let fixture: StoreFixture;
  let store: Store;
  let others: Store[];
  beforeEach(async () => {
    others = [];
    fixture = await openFixture();
    store = await fixture.open();
  });
  afterEach(async ({ task }) => {
    for (const open of [store, ...others]) await open.close();
    if (task.result?.state !== "fail") await fixture.cleanup();
  });
  return {
    get store() {
      return store;
    },
    async restart() {
      await store.close();
      store = await fixture.open();
      return store;
    },
    async pair() {
      if (!fixture.concurrent) return [store, store];
      const other = await fixture.open();
      others.push(other);
      return [store, other];
    },
  };
}

/** A moment for tests to count from. */
export const NOW = 1_700_000_000_000;

export function event(data: Json, type = "noted"): NewEvent {
  return { type, atMs: NOW, data };
}

export function put(id: string, data: Json = null, expectedRevision?: number): Op {
  const guard = expectedRevision === undefined ? {} : { expectedRevision };
  return { op: "put", kind: "thing", id, data, keys: { by_id: [id] }, ...guard };
}

/** Commits what must not be refused. */
export async function land(store: Store, ops: readonly Op[], options?: CommitOptions): Promise<Committed> {
  const result = await store.commit(ops, options);
  if (!result.ok) expect.unreachable(`refused: ${result.reason} at operation ${result.op}`);
  return result;
}

/** Commits what must be refused. */
export async function refusal(store: Store, ops: readonly Op[], options?: CommitOptions): Promise<Refused> {
  const result = await store.commit(ops, options);
  if (result.ok) expect.unreachable("the commit was not refused");
  return result;
}

/** Lets what is ready to run do so. */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
