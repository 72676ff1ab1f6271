import { encodeKey } from "../keys.ts";
import type { AddOp, AppendOp, EnqueueOp, IndexKeys, Op, PutOp } from "../store.ts";
import { checkSums } from "../sums.ts";

export interface EncodedEvent {
  readonly type: string;
  readonly atMs: number;
  readonly json: string;
}
export interface EncodedAppend extends Omit<AppendOp, "events"> {
  readonly events: readonly EncodedEvent[];
}
/** Index name -> encoded key. */
export type EncodedKeys = Readonly<Record<string, string>>;
export interface EncodedPut extends Omit<PutOp, "data" | "keys"> {
  readonly json: string;
  readonly keys: EncodedKeys;
}
export interface EncodedAdd extends Omit<AddOp, "keys"> {
  readonly keys: EncodedKeys;
}
export interface EncodedEnqueue extends Omit<EnqueueOp, "payload"> {
  readonly json: string;
}
/** An operation whose values are as its rows will hold them. */
export type EncodedOp =
  | EncodedAppend
  | EncodedPut
  | EncodedAdd
  | EncodedEnqueue
  | Exclude<Op, AppendOp | PutOp | AddOp | EnqueueOp>;

/** Whatever can fail on a value fails here, in front of its caller, and not among the others of its flush (K2). */
export function encode(op: Op): EncodedOp {
  switch (op.op) {
    case "append":
      return {
        ...op,
        events: op.events.map(({ type, atMs, data }) => ({
          type,
          atMs: millis(atMs),
          json: JSON.stringify(data),
        })),
      };
    case "put": {
      const { data, keys, ...rest } = op;
      return { ...rest, json: JSON.stringify(data), keys: encodeKeys(keys) };
    }
    case "add":
      checkSums(op.amounts, op.atMost);
      return { ...op, keys: encodeKeys(op.keys) };
    case "enqueue": {
      const { payload, ...rest } = op;
      return { ...rest, dueAtMs: millis(op.dueAtMs), json: JSON.stringify(payload) };
    }
    case "retry":
      return { ...op, dueAtMs: millis(op.dueAtMs) };
    case "hasten":
      return { ...op, laterThanMs: millis(op.laterThanMs), dueAtMs: millis(op.dueAtMs) };
    case "claim":
    case "claim-item":
    case "acquire-lease":
    case "renew-owner":
      millis(op.nowMs + op.leaseMs);
      return { ...op, nowMs: millis(op.nowMs) };
    default:
      return op;
  }
}

/** How much of the server's memory, and of ours, the operation takes while it is written. */
export function sizeOf(op: EncodedOp): number {
  if (op.op === "append") return op.events.reduce((size, event) => size + event.json.length, 0);
  return op.op === "put" || op.op === "enqueue" ? op.json.length : 0;
}

function encodeKeys(keys: IndexKeys): EncodedKeys {
  return Object.fromEntries(Object.entries(keys).map(([name, parts]) => [name, encodeKey(parts)]));
}

function millis(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a whole number of milliseconds: ${value}`);
  return value;
}
