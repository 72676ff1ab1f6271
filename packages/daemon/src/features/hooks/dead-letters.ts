import {
  type HookDeadLetter,
  type HookDefinition,
  type HookInput,
  type Json,
  problem,
} from "@kheish/contract";
import { digest } from "../../engine/index.ts";
import { describeTarget } from "../../governance/hooks/target.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Random } from "../../kernel/random.ts";
import type { Op, PutOp, Store, StoredRecord } from "../../kernel/store.ts";

const KIND = "hook_dead_letter";
/** Where it is said who looked after which. */
export const HOOK_STREAM = "hooks";
/** 03, Limits and defaults; a record is a few hundred bytes, so the number bounds the bytes too. */
const KEPT = 5_000;
const LISTED = 1_000;
const MAX_ERROR_CHARS = 1_024;
const MAX_ATTEMPTS = 20;

export interface HookFailure {
  hook: HookDefinition;
  input: HookInput;
  mode: "open" | "closed";
  attempts: number;
  error: string;
}

export interface DeadLetterCounts {
  all: number;
  unresolved: number;
  last?: HookDeadLetter;
  lastUnresolved?: HookDeadLetter;
}

/** Hooks that could not be called, as records: counted and listed by index, never by reading all (03, weaknesses). */
export class HookDeadLetters {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ store, clock, random }: { store: Store; clock: Clock; random: Random }) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
  }

  /** What keeps these failures, to be committed with what they led to; the oldest of too many go. */
  async opsFor(failures: readonly HookFailure[]): Promise<Op[]> {
    if (failures.length === 0) return [];
    const letters = failures.map((failure) => putOp(this.#letter(failure), 0));
    const surplus = (await this.#store.count(KIND, { index: "at" })) + letters.length - KEPT;
    if (surplus <= 0) return letters;
    const oldest = await this.#store.list(KIND, { index: "at", limit: surplus });
    return [...letters, ...oldest.map(({ id }): Op => ({ op: "delete", kind: KIND, id }))];
  }

  /** The newest thousand, oldest first. */
  async list(): Promise<HookDeadLetter[]> {
    const newest = await this.#store.list(KIND, { index: "at", limit: LISTED, reverse: true });
    return newest.map(letterOf).reverse();
  }

  async counts(): Promise<DeadLetterCounts> {
    const newest = (index: string) => this.#store.list(KIND, { index, limit: 1, reverse: true });
    const [all, unresolved, [last], [lastUnresolved]] = await Promise.all([
      this.#store.count(KIND, { index: "at" }),
      this.#store.count(KIND, { index: "unresolved" }),
      newest("at"),
      newest("unresolved"),
    ]);
    return {
      all,
      unresolved,
      ...(last === undefined ? {} : { last: letterOf(last) }),
      ...(lastUnresolved === undefined ? {} : { lastUnresolved: letterOf(lastUnresolved) }),
    };
  }

  /** Somebody looked after it. Who did first is who did; a second time changes nothing. */
  async resolve(id: string, reason: string | undefined, actor: string): Promise<HookDeadLetter> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const stored = await this.#store.get(KIND, id);
      if (stored === undefined) {
        throw problem("runtime", "hook_dead_letter_not_found", `there is no hook dead letter '${id}'`);
      }
      const letter = letterOf(stored);
      if (letter.resolved_at_ms !== undefined) return letter;
      const atMs = this.#clock.now();
      const said = reason === undefined ? {} : { resolution_reason: reason };
      const resolved: HookDeadLetter = { ...letter, resolved_at_ms: atMs, ...said };
      const event = { type: "dead_letter_resolved", atMs, data: { id, actor, ...said } };
      const result = await this.#store.commit([
        putOp(resolved, stored.revision),
        { op: "append", stream: HOOK_STREAM, events: [event] },
      ]);
      if (result.ok) return resolved;
    }
    throw problem("runtime", "runtime_revision_conflict", "the dead letter changes too fast; try again");
  }

  #letter({ hook, input, mode, attempts, error }: HookFailure): HookDeadLetter {
    const atMs = this.#clock.now();
    const { event, subject, session_id, run_id } = input;
    const invocation = digest(input as unknown as Json);
    const definition = digest(hook as unknown as Json);
    return {
      id: `hook-dlq-${atMs}-${digest(hook.name).slice(0, 8)}-${invocation.slice(0, 8)}-${this.#random.hex(8)}`,
      at_ms: atMs,
      hook_name: hook.name,
      event,
      ...(subject === undefined ? {} : { subject }),
      ...(session_id === undefined ? {} : { session_id }),
      ...(run_id === undefined ? {} : { run_id }),
      target: describeTarget(hook.executor),
      attempt_count: attempts,
      failure_mode: mode,
      contract_version: input.contract_version,
      invocation_digest: invocation,
      definition_digest: definition,
      error: error.slice(0, MAX_ERROR_CHARS),
    };
  }
}

function putOp(letter: HookDeadLetter, expectedRevision: number): PutOp {
  const at = [letter.at_ms, letter.id];
  return {
    op: "put",
    kind: KIND,
    id: letter.id,
    data: letter as unknown as Json,
    keys: letter.resolved_at_ms === undefined ? { at, unresolved: at } : { at },
    expectedRevision,
  };
}

function letterOf({ data }: Pick<StoredRecord, "data">): HookDeadLetter {
  return data as unknown as HookDeadLetter;
}
