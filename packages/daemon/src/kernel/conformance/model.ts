import fc from "fast-check";
import { expect, test } from "vitest";
import type { CommitResult, Lease, QueueItem, Store } from "../store.ts";
import { NOW, type OpenFixture, useStore } from "./fixture.ts";
import { ReferenceStore } from "./reference.ts";
import {
  ITEMS,
  KIND,
  LEASES,
  QUEUE,
  RECORDS,
  resolveFence,
  resolveOp,
  STREAMS,
  type Step,
  SUMS,
  script,
} from "./script.ts";

const OUTCOMES = [
  "committed",
  "lease_held",
  "over_limit",
  "stale_claim",
  "stale_fence",
  "stale_revision",
  "stale_seq",
];

/** A real PostgreSQL on a machine that is busy with others. */
const WITHIN_MS = 120_000;

type Comparable = Store | ReferenceStore;

/** Tokens and positions are each store's own; what is left must be the same in all of them. */
const comparableItem = (item: QueueItem | undefined) =>
  item && {
    ...{ key: item.key, payload: item.payload, dueAtMs: item.dueAtMs, attempts: item.attempts },
    ...{ owner: item.owner, lastError: item.lastError, claimed: item.token > 0 },
  };
const comparableLease = (lease: Lease | undefined) =>
  lease && { name: lease.name, owner: lease.owner, expiresAtMs: lease.expiresAtMs };

function comparableResult(result: CommitResult) {
  if (!result.ok) return result;
  const mapped = <T, U>(answers: Record<number, T>, map: (answer: T) => U) =>
    Object.fromEntries(Object.entries(answers).map(([index, answer]) => [index, map(answer)]));
  return {
    revisions: result.revisions,
    appended: mapped(result.appended, ({ firstSeq, lastSeq }) => ({ firstSeq, lastSeq })),
    claimed: mapped(result.claimed, (items) =>
      items.map(comparableItem).sort((a, b) => ((a?.key ?? "") < (b?.key ?? "") ? -1 : 1)),
    ),
    leases: mapped(result.leases, comparableLease),
  };
}

/** All that the script's names hold, as a reader finds it. */
async function dump(store: Comparable, scope: string) {
  const all = <T>(names: readonly string[], read: (name: string) => Promise<T>) =>
    Promise.all(names.map(read));
  const listed = await store.list(scope + KIND, { index: "by_data", limit: 100 });
  const letters = await store.deadLetters(scope + QUEUE, 100);
  return {
    streams: await all(STREAMS, async (name) =>
      (await store.readStream(scope + name)).map(({ seq, data }) => [seq, data]),
    ),
    heads: await all(STREAMS, (name) => store.streamHead(scope + name)),
    records: await all([...RECORDS, ...SUMS], (id) => store.get(scope + KIND, id)),
    listed: listed.map(({ id, revision }) => [id, revision]),
    items: await all(ITEMS, async (key) => comparableItem(await store.getItem(scope + QUEUE, key))),
    nextDueAt: await store.nextDueAt(scope + QUEUE),
    letters: letters.map(comparableItem),
    leases: await all(LEASES, async (name) => comparableLease(await store.getLease(scope + name))),
  };
}

async function perform(step: Step, scope: string, nowMs: number, store: Comparable) {
  const run = { scope, nowMs, store };
  const ops = await Promise.all(step.ops.map((op) => resolveOp(op, run)));
  const fence = step.fence && (await resolveFence(step.fence, run));
  return comparableResult(await store.commit(ops, fence && { fence }));
}

export function modelConformance(openFixture: OpenFixture): void {
  const subject = useStore(openFixture);

  test(
    "K2 K3 K5 K6 K7 any script of commits and restarts ends as in the reference store",
    async () => {
      let scripts = 0;
      const outcomes = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(script, async (steps) => {
          const scope = `script ${scripts++}/`;
          const reference = new ReferenceStore();
          let nowMs = NOW;
          for (const step of steps) {
            nowMs += step.afterMs;
            if (step.restart) await subject.restart();
            const expected = await perform(step, scope, nowMs, reference);
            expect(await perform(step, scope, nowMs, subject.store)).toEqual(expected);
            const outcome = "reason" in expected ? expected.reason : "committed";
            outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
          }
          expect(await dump(subject.store, scope)).toEqual(await dump(reference, scope));
        }),
        { numRuns: 60 },
      );
      expect([...outcomes.keys()].sort(), "what the scripts met").toEqual(OUTCOMES);
    },
    WITHIN_MS,
  );
}
