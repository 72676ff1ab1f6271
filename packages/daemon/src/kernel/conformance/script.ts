import fc from "fast-check";
import type { Fence, Op } from "../store.ts";

/** The few names that a script plays with, so that its operations meet. */
export const STREAMS = ["s1", "s2"];
export const RECORDS = ["r1", "r2", "r3"];
/** Records that numbers are added to. */
export const SUMS = ["n1", "n2"];
export const ITEMS = ["k1", "k2", "k3"];
export const LEASES = ["l1", "l2"];
export const KIND = "kind";
export const QUEUE = "queue";
const OWNERS = ["o1", "o2"];

/**
 * One commit of a random script. Times count from the time of the run, and guards from what is there just before
 * the commit (0 names it, anything else is stale), since no two stores give the same tokens.
 */
export interface Step {
  afterMs: number;
  fence?: Fence;
  ops: Op[];
  restart: boolean;
}

const is = <T extends string>(value: T) => fc.constant(value);
const seconds = (min: number, max: number) => fc.integer({ min, max }).map((count) => count * 1000);
const offset = fc.constantFrom(0, 0, 0, 0, 1000);
const owner = fc.constantFrom(...OWNERS);
const name = fc.constantFrom(...LEASES);
const lease = { owner, nowMs: fc.constant(0), leaseMs: fc.constant(30_000) };
const item = { queue: is(QUEUE), key: fc.constantFrom(...ITEMS) };
const record = { kind: is(KIND), id: fc.constantFrom(...RECORDS) };
const event = fc.record({ type: is("noted"), atMs: fc.constant(0), data: fc.nat(9) });
const content = {
  data: fc.nat(9),
  keys: fc.record({ by_data: fc.tuple(fc.nat(2)) }, { requiredKeys: [] }),
};
const append = {
  op: is("append"),
  stream: fc.constantFrom(...STREAMS),
  events: fc.array(event, { minLength: 1, maxLength: 3 }),
};
const put = { op: is("put"), ...record, ...content };
const add = {
  ...{ op: is("add"), kind: is(KIND), id: fc.constantFrom(...SUMS) },
  amounts: fc.record({ a: fc.integer({ min: -3, max: 5 }), b: fc.nat(3) }, { requiredKeys: [] }),
  keys: content.keys,
};
const remove = { op: is("delete"), ...record };
const retry = { op: is("retry"), ...item, token: offset, dueAtMs: seconds(-9, 60) };

const claim = fc.record({ op: is("claim"), queue: is(QUEUE), ...lease, limit: fc.constant(10) });
const claimItem = fc.record({ op: is("claim-item"), ...item, ...lease });
const acquire = fc.record({ op: is("acquire-lease"), name, ...lease });

/** What is needed for others to land or to meet comes up more often. */
const op: fc.Arbitrary<Op> = fc.oneof(
  claim,
  claim,
  claimItem,
  acquire,
  acquire,
  acquire,
  fc.record(append),
  fc.record({ ...append, expectedSeq: offset }),
  fc.record(put),
  fc.record({ ...put, expectedRevision: offset }),
  fc.record(add),
  fc.record({ ...add, atMost: fc.record({ a: fc.nat(6) }) }),
  fc.record(remove),
  fc.record({ ...remove, expectedRevision: offset }),
  fc.record({ op: is("check"), ...record, revision: offset }),
  fc.record({ op: is("enqueue"), ...item, dueAtMs: seconds(-9, 60), payload: fc.nat(9) }),
  fc.record({ op: is("enqueue"), ...item, dueAtMs: seconds(-9, 0), payload: fc.nat(9) }),
  fc.record({ op: is("check-claim"), ...item, token: offset }),
  fc.record({ op: is("complete"), ...item, token: offset }),
  fc.record({ ...retry, error: is("failed") }),
  fc.record({ ...retry, resetAttempts: fc.boolean() }),
  fc.record({ op: is("bury"), ...item, token: offset, error: is("poison") }),
  fc.record({ op: is("release-lease"), name, token: offset }),
  fc.record({ op: is("renew-owner"), ...lease }),
  fc.record({ op: is("release-owner"), owner }),
  fc.record({ op: is("hasten"), queue: is(QUEUE), laterThanMs: seconds(-9, 60), dueAtMs: seconds(-9, 9) }),
  fc.record({ op: is("release-lost"), queue: is(QUEUE), owner, heldTokens: fc.constant([]) }),
);

const unfenced = {
  afterMs: seconds(0, 20),
  ops: fc.array(op, { minLength: 1, maxLength: 4 }),
  restart: fc.nat(15).map((chance) => chance === 1),
};
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: fc.record(unfenced) },
  { weight: 1, arbitrary: fc.record({ ...unfenced, fence: fc.record({ name, token: offset }) }) },
);

export const script: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 15, maxLength: 40, size: "max" });

/** What a relative operation is resolved against; every run has names of its own, which `scope` begins. */
export interface Run {
  scope: string;
  nowMs: number;
  store: {
    streamHead(stream: string): Promise<number>;
    get(kind: string, id: string): Promise<{ revision: number } | undefined>;
    getItem(queue: string, key: string): Promise<{ token: number } | undefined>;
    getLease(name: string): Promise<{ token: number } | undefined>;
  };
}

export async function resolveOp(relative: Op, { scope, nowMs, store }: Run): Promise<Op> {
  const op = structuredClone(relative);
  if ("nowMs" in op) op.nowMs += nowMs;
  if ("dueAtMs" in op) op.dueAtMs += nowMs;
  if ("laterThanMs" in op) op.laterThanMs += nowMs;
  if ("owner" in op) op.owner = scope + op.owner;
  if ("stream" in op) op.stream = scope + op.stream;
  if ("kind" in op) op.kind = scope + op.kind;
  if ("queue" in op) op.queue = scope + op.queue;
  if ("name" in op) op.name = scope + op.name;

  const revision = "kind" in op ? ((await store.get(op.kind, op.id))?.revision ?? 0) : 0;
  if ("revision" in op) op.revision += revision;
  if ("expectedRevision" in op) op.expectedRevision += revision;
  if ("expectedSeq" in op) op.expectedSeq += await store.streamHead(op.stream);
  if ("token" in op) {
    const held = "key" in op ? await store.getItem(op.queue, op.key) : await store.getLease(op.name);
    op.token += held?.token ?? 0;
  }
  return op;
}

export async function resolveFence(relative: Fence, { scope, store }: Run): Promise<Fence> {
  const name = scope + relative.name;
  return { name, token: relative.token + ((await store.getLease(name))?.token ?? 0) };
}
