import type { Json } from "@kheish/contract";
import { encodeKey } from "../keys.ts";
import type {
  ClaimItemOp,
  ClaimOp,
  CommitOptions,
  CommitResult,
  Committed,
  EnqueueOp,
  Lease,
  Op,
  QueueItem,
  Refused,
} from "../store.ts";

interface Item extends QueueItem {
  /** Due time while unclaimed, end of the claim while claimed. */
  readyAtMs: number;
  againAtMs?: number;
}
interface Document {
  revision: number;
  data: Json;
  keys: Record<string, string>;
}
/** Everything there is; the names of records and items are those of `at`. */
interface State {
  streams: Record<string, Json[]>;
  records: Record<string, Document>;
  items: Record<string, Item>;
  dead: QueueItem[];
  leases: Record<string, Lease>;
  token: number;
}

const at = (space: string, name: string) => `${space}/${name}`;

/** The store's rules in their plainest form: a commit works on a copy, which becomes the state or is dropped. */
export class ReferenceStore {
  #state: State = { streams: {}, records: {}, items: {}, dead: [], leases: {}, token: 0 };

  async commit(ops: readonly Op[], { fence }: CommitOptions = {}): Promise<CommitResult> {
    if (fence && this.#state.leases[fence.name]?.token !== fence.token)
      return { ok: false, reason: "stale_fence", op: -1 };
    const state = structuredClone(this.#state);
    const into: Committed = { ok: true, appended: {}, revisions: {}, claimed: {}, leases: {} };
    for (const [index, op] of ops.entries()) {
      const reason = apply(state, op, index, into);
      if (reason) return { ok: false, reason, op: index };
    }
    this.#state = state;
    return structuredClone(into);
  }

  async streamHead(stream: string) {
    return this.#state.streams[stream]?.length ?? 0;
  }

  async readStream(stream: string) {
    return (this.#state.streams[stream] ?? []).map((data, index) => ({ seq: index + 1, data }));
  }

  async get(kind: string, id: string) {
    const found = this.#state.records[at(kind, id)];
    return found && { id, revision: found.revision, data: found.data };
  }

  async list(kind: string, { index }: { index: string }) {
    return Object.entries(this.#state.records)
      .map(([name, { keys, ...record }]) => ({
        ...record,
        name,
        id: name.slice(kind.length + 1),
        key: keys[index],
      }))
      .filter(({ name, key }) => name.startsWith(`${kind}/`) && key !== undefined)
      .sort((a, b) => (at(a.key ?? "", a.id) < at(b.key ?? "", b.id) ? -1 : 1));
  }

  async getItem(queue: string, key: string) {
    return this.#state.items[at(queue, key)];
  }

  async nextDueAt(queue: string) {
    const times = itemsOf(this.#state, queue).map(({ readyAtMs }) => readyAtMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async deadLetters(queue: string) {
    return this.#state.dead.filter((letter) => letter.queue === queue);
  }

  async getLease(name: string) {
    return this.#state.leases[name];
  }
}

function itemsOf(state: State, queue: string): Item[] {
  return Object.values(state.items).filter((item) => item.queue === queue);
}

function apply(state: State, op: Op, index: number, into: Committed): Refused["reason"] | undefined {
  switch (op.op) {
    case "append": {
      const stream = state.streams[op.stream] ?? [];
      if (op.expectedSeq !== undefined && op.expectedSeq !== stream.length) return "stale_seq";
      state.streams[op.stream] = [...stream, ...op.events.map(({ data }) => data)];
      const lastSeq = stream.length + op.events.length;
      into.appended[index] = { firstSeq: stream.length + 1, lastSeq, lastPosition: 0 };
      return;
    }
    case "put":
    case "delete":
    case "check": {
      const name = at(op.kind, op.id);
      const revision = state.records[name]?.revision ?? 0;
      const expected = op.op === "check" ? op.revision : op.expectedRevision;
      if (expected !== undefined && expected !== revision) return "stale_revision";
      if (op.op === "delete") delete state.records[name];
      if (op.op !== "put") return;
      const keys = Object.entries(op.keys).map(([index, parts]) => [index, encodeKey(parts)]);
      state.records[name] = { revision: revision + 1, data: op.data, keys: Object.fromEntries(keys) };
      into.revisions[index] = revision + 1;
      return;
    }
    case "add": {
      const name = at(op.kind, op.id);
      const before = state.records[name];
      const sums = { ...(before?.data as Record<string, number> | undefined) };
      for (const [member, amount] of Object.entries(op.amounts)) sums[member] = (sums[member] ?? 0) + amount;
      for (const [member, most] of Object.entries(op.atMost ?? {}))
        if ((sums[member] ?? 0) > most) return "over_limit";
      const keys = Object.entries(op.keys).map(([index, parts]) => [index, encodeKey(parts)]);
      const revision = (before?.revision ?? 0) + 1;
      state.records[name] = { revision, data: sums, keys: Object.fromEntries(keys) };
      into.revisions[index] = revision;
      return;
    }
    case "enqueue":
      enqueue(state, op);
      return;
    case "check-claim": {
      const item = state.items[at(op.queue, op.key)];
      return item?.owner !== undefined && item.token === op.token ? undefined : "stale_claim";
    }
    case "claim":
    case "claim-item":
      into.claimed[index] = structuredClone(claim(state, op));
      return;
    case "complete":
    case "retry":
    case "bury": {
      const claimed = state.items[at(op.queue, op.key)];
      if (claimed?.owner === undefined || claimed.token !== op.token) return "stale_claim";
      const { againAtMs } = claimed;
      const item = unclaimed(claimed);
      delete item.lastError;
      if (op.op === "retry") {
        const dueAtMs = Math.min(op.dueAtMs, againAtMs ?? op.dueAtMs);
        const attempts = op.resetAttempts ? 0 : item.attempts;
        wait(state, { ...item, attempts, dueAtMs, ...(op.error !== undefined && { lastError: op.error }) });
      } else if (againAtMs !== undefined) wait(state, { ...item, attempts: 0, dueAtMs: againAtMs });
      else delete state.items[at(op.queue, op.key)];
      if (op.op === "bury" && againAtMs === undefined) state.dead.push({ ...item, lastError: op.error });
      return;
    }
    case "acquire-lease": {
      const { name, owner, nowMs, leaseMs } = op;
      const held = state.leases[name];
      if (held && held.owner !== owner && held.expiresAtMs > nowMs) return "lease_held";
      state.token += 1;
      const lease = { name, owner, token: state.token, expiresAtMs: nowMs + leaseMs };
      state.leases[name] = lease;
      into.leases[index] = lease;
      return;
    }
    case "release-lease":
      if (state.leases[op.name]?.token !== op.token) return "stale_fence";
      delete state.leases[op.name];
      return;
    case "renew-owner": {
      const until = op.nowMs + op.leaseMs;
      for (const lease of Object.values(state.leases))
        if (lease.owner === op.owner && lease.expiresAtMs > op.nowMs)
          lease.expiresAtMs = Math.max(until, lease.expiresAtMs);
      for (const item of Object.values(state.items))
        if (item.owner === op.owner && item.readyAtMs > op.nowMs)
          item.readyAtMs = Math.max(until, item.readyAtMs);
      return;
    }
    case "release-owner":
      for (const lease of Object.values(state.leases))
        if (lease.owner === op.owner) delete state.leases[lease.name];
      for (const item of Object.values(state.items))
        if (item.owner === op.owner) wait(state, unclaimed(item));
      return;
    case "hasten":
      for (const item of itemsOf(state, op.queue))
        if (item.owner === undefined && item.readyAtMs > op.laterThanMs)
          wait(state, { ...item, dueAtMs: op.dueAtMs });
      return;
    case "release-lost":
      for (const item of itemsOf(state, op.queue))
        if (item.owner === op.owner && !op.heldTokens.includes(item.token)) wait(state, unclaimed(item));
      return;
  }
}

function enqueue(state: State, { queue, key, dueAtMs, payload }: EnqueueOp): void {
  state.dead = state.dead.filter((letter) => at(letter.queue, letter.key) !== at(queue, key));
  const present = state.items[at(queue, key)];
  if (present === undefined) wait(state, { queue, key, payload, dueAtMs, attempts: 0, token: 0 });
  else if (present.owner === undefined)
    wait(state, { ...present, payload, dueAtMs: Math.min(dueAtMs, present.dueAtMs) });
  else {
    present.payload = payload;
    present.againAtMs = Math.min(dueAtMs, present.againAtMs ?? dueAtMs);
  }
}

function claim(state: State, op: ClaimOp | ClaimItemOp): QueueItem[] {
  const { queue, owner, nowMs, leaseMs } = op;
  const named = (key: string) => op.op === "claim" || op.key === key;
  const ready = itemsOf(state, queue).filter(({ key, readyAtMs }) => named(key) && readyAtMs <= nowMs);
  return ready.map((item) => {
    state.token += 1;
    const { againAtMs: _seen, ...rest } = item;
    const claimed = {
      ...rest,
      owner,
      token: state.token,
      attempts: item.attempts + 1,
      readyAtMs: nowMs + leaseMs,
    };
    state.items[at(queue, item.key)] = claimed;
    return claimed;
  });
}

function unclaimed({ owner: _owner, againAtMs: _again, readyAtMs: _ready, ...item }: Item): QueueItem {
  return { ...item, token: 0 };
}

function wait(state: State, item: QueueItem): void {
  state.items[at(item.queue, item.key)] = { ...item, readyAtMs: item.dueAtMs };
}
