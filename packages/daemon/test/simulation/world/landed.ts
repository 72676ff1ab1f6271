import type { Op, Store } from "../../../src/kernel/store.ts";
import type { Answered } from "./store-front.ts";

/** Whether a commit during which the power failed is in the store. Each is there as a whole, so one trace decides. */
export async function hasLanded(store: Store, { ops, result }: Answered): Promise<boolean> {
  if (!result.ok) return false;
  for (const [index, op] of ops.entries()) {
    const found = await trace(store, op, {
      lastSeq: result.appended[index]?.lastSeq,
      revision: result.revisions[index],
      token: result.claimed[index]?.[0]?.token ?? result.leases[index]?.token,
      key: result.claimed[index]?.[0]?.key,
    });
    if (found !== undefined) return found;
  }
  return false;
}

interface Given {
  lastSeq: number | undefined;
  revision: number | undefined;
  token: number | undefined;
  key: string | undefined;
}

/** Undefined when the operation leaves nothing that could not have been there before. */
async function trace(store: Store, op: Op, given: Given): Promise<boolean | undefined> {
  switch (op.op) {
    case "append":
      return given.lastSeq === undefined ? undefined : (await store.streamHead(op.stream)) >= given.lastSeq;
    case "add":
    case "put":
      return given.revision === undefined
        ? undefined
        : ((await store.get(op.kind, op.id))?.revision ?? 0) >= given.revision;
    case "claim":
    case "claim-item":
      return given.key === undefined
        ? undefined
        : (await store.getItem(op.queue, given.key))?.token === given.token;
    case "acquire-lease":
      return (await store.getLease(op.name))?.token === given.token;
    default:
      return undefined;
  }
}
