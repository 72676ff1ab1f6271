import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Store, StoredEvent, StreamRange } from "../kernel/store.ts";
import { checkpointAt } from "./context/checkpoint.ts";
import type { RecordedEvent } from "./events.ts";
import { catchUp, fold } from "./fold.ts";
import { historyOf } from "./random-history.fixture.ts";
import { emptyState, type SessionState } from "./state.ts";
import { assistant, foldAll, History, RUN, result, runIn, user } from "./testing.ts";

const choices = fc.array(fc.nat({ max: 59 }), { minLength: 100, maxLength: 400, size: "max" });

/** A journal to read from; remembers what was read. */
class Shelf {
  readonly reads: StreamRange[] = [];
  readonly #events: readonly StoredEvent[];

  constructor(events: readonly RecordedEvent[]) {
    this.#events = events as unknown as StoredEvent[];
  }

  get store(): Store {
    const readStream = async (_stream: string, range: StreamRange = {}) => {
      this.reads.push(range);
      const { afterSeq = 0, toSeq = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY } = range;
      return this.#events.filter(({ seq }) => seq > afterSeq && seq <= toSeq).slice(0, limit);
    };
    return { readStream } as unknown as Store;
  }
}

/** What the session's record would say: where its newest checkpoint stands and which run is active. */
function recordOf(events: readonly RecordedEvent[], state: SessionState) {
  const checkpoint = events.findLast((event) => event.type === "checkpoint");
  return {
    ...(checkpoint === undefined ? {} : { checkpointSeq: checkpoint.seq }),
    ...(state.run === undefined ? {} : { activeRunId: state.run.run_id }),
  };
}

describe("folding a session's journal", () => {
  it("is tried on histories in which enough happens", () => {
    const sample = fc.sample(choices, { seed: 1, numRuns: 100 }).map(historyOf);
    const types = new Set(sample.flatMap((events) => events.map((event) => event.type)));
    expect([...types].sort()).toEqual(
      [
        ...["accepted", "approval_resolved", "budget_reserved", "budget_settled", "cancelled", "checkpoint"],
        ...["compaction_boundary", "completed"],
        ...[
          "effect_not_applied",
          "failed",
          "hooks_called",
          "input_received",
          "message_appended",
          "model_call_failed",
          "output",
        ],
        ...[
          "permission_audit",
          "permission_rule_removed",
          "permission_rule_set",
          "resumed",
          "session_updated",
          "started",
          "todos_updated",
          "tool_call_finished",
        ],
        ...[
          "tool_call_started",
          "user_question_resolved",
          "waiting_for_approval",
          "waiting_for_user_question",
        ],
      ].sort(),
    );
    const cut = sample.filter((events) => {
      const checkpoint = events.findLast((event) => event.type === "checkpoint");
      return (
        checkpoint !== undefined && checkpoint.data.checkpoint.head_seq > 1 && checkpoint.seq < events.length
      );
    });
    expect(cut.length).toBeGreaterThan(30);
  });

  it("01-R88: from the newest checkpoint gives what folding everything gives", async () => {
    await fc.assert(
      fc.asyncProperty(choices, async (chosen) => {
        const events = historyOf(chosen);
        const whole = foldAll(events);
        const short = await fold(new Shelf(events).store, "s", recordOf(events, whole));
        expect(short).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  it("01-R72: does not depend on where it was cut into pages, nor on events that come twice", () => {
    fc.assert(
      fc.property(choices, fc.array(fc.nat()), (chosen, cuts) => {
        const events = historyOf(chosen);
        let state = emptyState();
        for (const cut of [
          ...cuts.map((cut) => cut % (events.length + 1)).sort((a, b) => a - b),
          events.length,
        ]) {
          // Each page begins anew at the start: all it repeats is known.
          state = foldAll(events.slice(0, cut), state);
        }
        expect(state).toEqual(foldAll(events));
      }),
    );
  });

  it("changes no event, so that a journal in memory can be folded again", () => {
    fc.assert(
      fc.property(choices, (chosen) => {
        const events = historyOf(chosen);
        const before = structuredClone(events);
        const once = structuredClone(foldAll(events));
        expect(events).toEqual(before);
        expect(foldAll(events)).toEqual(once);
      }),
    );
  });

  it("catches up from wherever it stands", async () => {
    await fc.assert(
      fc.asyncProperty(choices, fc.nat(), async (chosen, cut) => {
        const events = historyOf(chosen);
        const from = foldAll(events.slice(0, cut % (events.length + 1)));
        expect(await catchUp(new Shelf(events).store, "s", from)).toEqual(foldAll(events));
      }),
    );
  });

  it("reads a long journal page by page, to its end", async () => {
    const history = new History();
    for (let n = 0; n < 2_500; n++) history.add("input_received", { run_id: RUN, message: user(`${n}`) });
    const shelf = new Shelf(history.events);
    const state = await fold(shelf.store, "s", {});
    expect(state.entries).toHaveLength(2_500);
    expect(shelf.reads.map((range) => range.afterSeq)).toEqual([0, 1_000, 2_000]);
  });

  it("01 weakness 5: reads what follows the checkpoint's head and the run's input, not what it replaced", async () => {
    const history = new History();
    history.start();
    for (let turn = 0; turn < 2_000; turn++) history.says(assistant(`${turn}`), turn);
    const { state } = history;
    const plan = { kind: "session_memory", headSeq: 1_999, removed: 1_998, preTokens: 9 } as const;
    const checkpoint = checkpointAt(state, runIn(state), plan);
    const checkpointSeq = history.add("checkpoint", { run_id: RUN, checkpoint });

    const shelf = new Shelf(history.events);
    const short = await fold(shelf.store, "s", { checkpointSeq, activeRunId: RUN });
    expect(short).toEqual(history.state);
    expect(short.entries.map((entry) => entry.seq)).toEqual([1_999, 2_000, 2_001, 2_002]);
    expect(shelf.reads).toEqual([
      { afterSeq: checkpointSeq - 1, toSeq: checkpointSeq },
      { afterSeq: 1, toSeq: 2 },
      { afterSeq: 1_998, limit: 1_000 },
    ]);
  });

  it("refuses a session record that names a checkpoint where there is none", async () => {
    const history = new History();
    history.start();
    history.finishes(result("c"));
    await expect(fold(new Shelf(history.events).store, "s", { checkpointSeq: 2 })).rejects.toThrow(
      "no checkpoint at 2",
    );
    await expect(fold(new Shelf([]).store, "s", { checkpointSeq: 9 })).rejects.toThrow("no checkpoint at 9");
  });
});
