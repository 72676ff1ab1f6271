import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ToolMessage } from "../messages.ts";
import type { Entry, RunState, SessionState } from "../state.ts";
import { assistant, call, foldAll, History, RUN, result, runIn, user } from "../testing.ts";
import { checkpointAt } from "./checkpoint.ts";
import { paddedTokens } from "./estimate.ts";
import { type ContextLimits, type ContextPlan, compactionThreshold, planContext } from "./plan.ts";
import { CLEARED_OUTPUT } from "./visible-output.ts";

/** A text of `tokens` estimated tokens; 3,000 of them are 4,000 in the padded sum. */
const text = (tokens: number) => "x".repeat(Math.floor(tokens / 0.285));
const roomy: ContextLimits = { reservedOutputTokens: 0 };

/** A run of turns, each with as many results of this size as it asked for. */
function conversation(turns: { calls: number; tokens: number; tool?: string; afterMs?: number }[]): History {
  const history = new History();
  history.start();
  for (const [turn, { calls, tokens, tool = "probe", afterMs = 0 }] of turns.entries()) {
    history.pass(afterMs);
    const ids = Array.from({ length: calls }, (_, index) => `call-${turn}-${index}`);
    history.says(assistant("", { calls: ids.map((id) => call(id, tool)) }), turn);
    for (const id of ids) history.finishes(result(id, text(tokens), tool));
  }
  return history;
}

function equalTurns(count: number, tokens: number, calls = 1): History {
  return conversation(Array.from({ length: count }, () => ({ calls, tokens })));
}

function plan(state: SessionState, limits = roomy, nowMs = 0, run: RunState = runIn(state)): ContextPlan {
  return planContext(state, run, limits, nowMs);
}

function entryAt(state: SessionState, seq: number): Entry {
  const found = state.entries.find((entry) => entry.seq === seq);
  if (found === undefined) throw new Error(`no entry stands at ${seq}`);
  return found;
}

/** What the loop does with a plan that cuts: writes its checkpoint, and folds it. */
function carryOut(history: History, chosen: ContextPlan, summary?: { title: string; content: string }): void {
  if (!("headSeq" in chosen)) throw new Error(`${chosen.kind} cuts nothing`);
  const { state } = history;
  history.add("checkpoint", { run_id: RUN, checkpoint: checkpointAt(state, runIn(state), chosen, summary) });
}

describe("01-R79: the threshold of a compaction", () => {
  it.each([
    [undefined, 0, 167_000],
    [undefined, 999_999, 167_000],
    [200_000, 8_000, 167_000],
    [200_000, 64_000, 123_000],
    [180_000, 0, 167_000],
    [179_999, 0, 166_999],
    [1_000_000, 64_000, 167_000],
    [32_000, 4_000, 15_000],
    [13_001, 0, 1],
    [8_000, 4_000, 1],
  ])("of a window of %s with %i reserved is %i", (contextTokens, reservedOutputTokens, threshold) => {
    const limits = { reservedOutputTokens, ...(contextTokens === undefined ? {} : { contextTokens }) };
    expect(compactionThreshold(limits)).toBe(threshold);
  });
});

describe("01-R78a: a snip", () => {
  it("is not made up to 120,000 padded tokens", () => {
    const history = equalTurns(29, 3_000);
    expect(paddedTokens(history.state.entries)).toBeLessThanOrEqual(120_000);
    expect(plan(history.state)).toEqual({ kind: "none" });
  });

  it("drops the oldest groups above that, and says what it frees", () => {
    const history = equalTurns(31, 3_000);
    const { state } = history;
    const chosen = plan(state);
    if (chosen.kind !== "snip") throw new Error(`a ${chosen.kind} was planned`);
    const kept = state.entries.filter((entry) => entry.seq >= chosen.headSeq);
    expect(entryAt(state, chosen.headSeq).message.role).toBe("assistant");
    expect(chosen.removed).toBe(state.entries.length - kept.length);
    expect(chosen.tokensFreed).toBe(paddedTokens(state.entries) - paddedTokens(kept));
    expect(paddedTokens(kept)).toBeLessThanOrEqual(120_000);
  });

  it("01 weakness 6: is sticky, and frees enough that it does not recur at every turn", () => {
    const history = equalTurns(31, 3_000);
    carryOut(history, plan(history.state));
    expect(plan(history.state)).toEqual({ kind: "none" });
    let turns = 0;
    for (; plan(history.state).kind === "none"; turns++) {
      history.says(assistant("", { calls: [call(`later-${turns}`)] }), 31 + turns);
      history.finishes(result(`later-${turns}`, text(3_000)));
    }
    expect(turns).toBeGreaterThanOrEqual(7);
    expect(foldAll(history.events).checkpoint?.checkpoint.head_seq).toBeGreaterThan(2);
  });

  it("keeps at least ten messages, whatever their size", () => {
    const history = equalTurns(20, 9_000, 3);
    const { state } = history;
    const chosen = plan(state);
    if (chosen.kind !== "snip") throw new Error(`a ${chosen.kind} was planned`);
    expect(state.entries.filter((entry) => entry.seq >= chosen.headSeq)).toHaveLength(10);
  });

  it("is not made of ten messages or less", () => {
    expect(plan(equalTurns(4, 9_000, 5).state)).not.toHaveProperty("kind", "snip");
  });
});

describe("01 weakness 6: whatever is cut", () => {
  const turns = fc.array(
    fc.record({ calls: fc.nat({ max: 5 }), tokens: fc.integer({ min: 1, max: 9_000 }) }),
    { minLength: 1, maxLength: 40 },
  );
  const windows = fc.constantFrom(undefined, 20_000, 60_000, 200_000);
  const remedies = fc.constantFrom(undefined, "snip" as const, "compact" as const);

  it("a call is never parted from its result, and the newest messages stay", () => {
    fc.assert(
      fc.property(turns, windows, remedies, fc.boolean(), (made, contextTokens, remedy, summarised) => {
        const history = conversation(made);
        if (summarised) {
          const nothing = {
            kind: "model_driven",
            headSeq: 2,
            removed: 0,
            preTokens: 1,
            trigger: "auto",
          } as const;
          carryOut(history, nothing, { title: "so far", content: "much" });
        }
        const { state } = history;
        const run = { ...runIn(state), ...(remedy === undefined ? {} : { remedy }) };
        const limits = { reservedOutputTokens: 0, ...(contextTokens === undefined ? {} : { contextTokens }) };
        const chosen = planContext(state, run, limits, 0);
        if (!("headSeq" in chosen)) return;
        const head = state.entries.indexOf(entryAt(state, chosen.headSeq));
        expect(chosen.removed).toBe(head);
        expect(head).toBeGreaterThan(0);
        expect(unpaired(state.entries.slice(head))).toEqual([]);
        if (chosen.kind !== "session_memory") {
          expect(state.entries.length - head).toBeGreaterThanOrEqual(chosen.kind === "snip" ? 10 : 6);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("01-R78b: a microcompaction", () => {
  const OLD = 15 * 60_000;
  const stale = (history: History) =>
    history.state.entries.findLast((entry) => entry.message.role === "assistant");

  function reads(count: number, tool = "read_file"): History {
    return conversation(Array.from({ length: count }, () => ({ calls: 1, tokens: 100, tool })));
  }

  it("waits until the last answer is more than 15 minutes old", () => {
    const history = reads(7);
    const at = stale(history)?.atMs ?? 0;
    expect(plan(history.state, roomy, at + OLD)).toEqual({ kind: "none" });
    expect(plan(history.state, roomy, at + OLD + 1).kind).toBe("microcompact");
  });

  it("blanks all but the newest five, and says what it frees", () => {
    const history = reads(7);
    const chosen = plan(history.state, roomy, history.nowMs + OLD + 1);
    const [first, second] = history.state.entries.filter((entry) => entry.message.role === "tool");
    expect(chosen).toEqual({
      kind: "microcompact",
      cleared: [
        { seq: first?.seq, call_id: "call-0-0" },
        { seq: second?.seq, call_id: "call-1-0" },
      ],
      tokensFreed: 200,
    });
  });

  it("counts results, not messages, in what it keeps and in what it frees", () => {
    const history = conversation([{ calls: 8, tokens: 100, tool: "bash" }]);
    const chosen = plan(history.state, roomy, history.nowMs + OLD + 1);
    if (chosen.kind !== "microcompact") throw new Error(`a ${chosen.kind} was planned`);
    expect(chosen.cleared.map((place) => place.call_id)).toEqual(["call-0-0", "call-0-1", "call-0-2"]);
    expect(chosen.tokensFreed).toBe(300);
  });

  it.each([
    ["read_file", true],
    ["bash", true],
    ["grep_search", true],
    ["glob_search", true],
    ["web_fetch", true],
    ["web_search", true],
    ["write_file", false],
    ["todo_write", false],
    ["mcp__read_file", false],
  ])("touches the results of %s: %s", (tool, touched) => {
    const history = reads(7, tool);
    expect(plan(history.state, roomy, history.nowMs + OLD + 1).kind).toBe(touched ? "microcompact" : "none");
  });

  it("is done once: what is blank stays blank, and only newer results follow", () => {
    const history = reads(7);
    const boundary = (now: number) => {
      const chosen = plan(history.state, roomy, now);
      if (chosen.kind !== "microcompact") return [];
      const { cleared, tokensFreed } = chosen;
      history.add("compaction_boundary", {
        run_id: RUN,
        boundary: { kind: "microcompact", cleared, tokens_freed: tokensFreed },
      });
      return cleared.map((place) => place.call_id);
    };
    expect(boundary(history.nowMs + OLD + 1)).toEqual(["call-0-0", "call-1-0"]);
    expect(boundary(history.nowMs + OLD + 1)).toEqual([]);
    history.says(assistant("", { calls: [call("later", "bash")] }), 7);
    history.finishes(result("later", text(100), "bash"));
    expect(boundary(history.nowMs + OLD + 1)).toEqual(["call-2-0"]);
    expect(blankIn(history.state)).toEqual(["call-0-0", "call-1-0", "call-2-0"]);
  });

  it("comes after a snip and before a compaction", () => {
    const big = conversation(Array.from({ length: 40 }, () => ({ calls: 1, tokens: 3_000, tool: "bash" })));
    expect(
      plan(big.state, { contextTokens: 14_000, reservedOutputTokens: 0 }, big.nowMs + OLD + 1).kind,
    ).toBe("snip");
    const small = reads(7);
    const narrow = { contextTokens: 13_500, reservedOutputTokens: 0 };
    expect(plan(small.state, narrow, small.nowMs + OLD + 1).kind).toBe("microcompact");
    expect(plan(small.state, narrow, small.nowMs).kind).toBe("model_driven");
  });
});

describe("01-R78c: a compaction", () => {
  const narrow = { contextTokens: 43_000, reservedOutputTokens: 0 };

  it("is made above the threshold, by the model when there is no summary yet", () => {
    const history = equalTurns(8, 3_000);
    const { state } = history;
    const chosen = plan(state, narrow);
    expect(chosen).toEqual({
      kind: "model_driven",
      trigger: "auto",
      headSeq: expect.any(Number),
      removed: state.entries.length - 6,
      preTokens: paddedTokens(state.entries),
    });
    expect(plan(equalTurns(7, 3_000).state, narrow)).toEqual({ kind: "none" });
  });

  it("01-R81: keeps more than six messages rather than part a call from its result", () => {
    const history = equalTurns(8, 3_000);
    history.add("message_appended", { run_id: RUN, turn: 8, nudge: "output", message: user("go on") });
    const chosen = plan(history.state, narrow);
    if (chosen.kind !== "model_driven") throw new Error(`a ${chosen.kind} was planned`);
    expect(history.state.entries.length - chosen.removed).toBe(7);
    expect(entryAt(history.state, chosen.headSeq).message.role).toBe("assistant");
  });

  it("01-R82: goes by what the provider last reported", () => {
    const history = new History();
    history.start();
    for (let turn = 0; turn < 5; turn++) {
      const usage = { input_tokens: 40_000, output_tokens: 1 };
      history.says(assistant("", { calls: [call(`c${turn}`)], usage }), turn);
      history.finishes(result(`c${turn}`, "small"));
    }
    expect(plan(history.state, narrow)).toMatchObject({
      kind: "model_driven",
      preTokens: expect.any(Number),
    });
    expect(plan(history.state, roomy)).toEqual({ kind: "none" });
  });

  it("01-R81: is not tried a fourth time after three failures in a row", () => {
    const { state } = equalTurns(8, 3_000);
    const after = (compact_failures: number) =>
      plan(state, narrow, 0, { ...runIn(state), compact_failures }).kind;
    expect([0, 1, 2, 3, 4].map(after)).toEqual([
      "model_driven",
      "model_driven",
      "model_driven",
      "none",
      "none",
    ]);
  });

  it("01-R80: keeps the newest 10,000 to 40,000 tokens of whole groups when there is a summary", () => {
    const history = equalTurns(8, 3_000);
    carryOut(history, plan(history.state, narrow), { title: "so far", content: "much" });
    for (let turn = 8; turn < 16; turn++) {
      history.says(assistant("", { calls: [call(`c${turn}`)] }), turn);
      history.finishes(result(`c${turn}`, text(3_000)));
    }
    const { state } = history;
    const chosen = plan(state, narrow);
    if (chosen.kind !== "session_memory") throw new Error(`a ${chosen.kind} was planned`);
    const kept = paddedTokens(state.entries.filter((entry) => entry.seq >= chosen.headSeq));
    expect(kept).toBeGreaterThanOrEqual(10_000);
    expect(kept).toBeLessThanOrEqual(40_000);
    carryOut(history, chosen);
    expect(history.state.checkpoint?.checkpoint.summary?.content, "the summary is carried on").toBe("much");
    expect(plan(history.state, narrow)).toEqual({ kind: "none" });
  });

  it("01-R80: falls back to the model when no recent groups fit between the two bounds", () => {
    const history = equalTurns(2, 100);
    const nothing = { kind: "model_driven", headSeq: 2, removed: 0, preTokens: 1, trigger: "auto" } as const;
    carryOut(history, nothing, { title: "so far", content: "much" });
    const ids = Array.from({ length: 4 }, (_, index) => `big-${index}`);
    history.says(assistant("", { calls: ids.map((id) => call(id)) }), 2);
    for (const id of ids) history.finishes(result(id, text(9_000)));
    for (let turn = 3; turn < 6; turn++) {
      history.says(assistant("", { calls: [call(`c${turn}`)] }), turn);
      history.finishes(result(`c${turn}`, "small"));
    }
    expect(plan(history.state, narrow).kind).toBe("model_driven");
  });
});

describe("01-R85: after the provider said that the prompt is too long", () => {
  function remedied(state: SessionState, remedy: "snip" | "compact"): ContextPlan {
    return planContext(state, { ...runIn(state), remedy }, roomy, 0);
  }

  it("a snip halves the prompt, whatever the estimate says", () => {
    const { state } = equalTurns(20, 100);
    const chosen = remedied(state, "snip");
    if (chosen.kind !== "snip") throw new Error(`a ${chosen.kind} was planned`);
    const kept = state.entries.filter((entry) => entry.seq >= chosen.headSeq);
    expect(paddedTokens(kept)).toBeLessThanOrEqual(paddedTokens(state.entries) / 2);
  });

  it("too few messages for a snip are compacted at once", () => {
    expect(remedied(equalTurns(4, 100).state, "snip")).toMatchObject({
      kind: "model_driven",
      trigger: "forced",
    });
  });

  it("a forced compaction comes before what the sizes say", () => {
    expect(remedied(equalTurns(31, 3_000).state, "compact")).toMatchObject({
      kind: "model_driven",
      trigger: "forced",
    });
  });

  it("nothing to cut: the call is simply made again, and its failure is the next remedy's turn", () => {
    expect(remedied(equalTurns(1, 100).state, "snip")).toEqual({ kind: "none" });
    expect(remedied(equalTurns(1, 100).state, "compact")).toEqual({ kind: "none" });
  });
});

describe("01 weakness 5: a checkpoint", () => {
  it("holds counters, offsets and a digest that is chained to the one before, and no message", () => {
    const history = equalTurns(31, 3_000);
    carryOut(history, plan(history.state));
    const first = history.state.checkpoint?.checkpoint;
    expect(JSON.stringify(first).length).toBeLessThan(1_000);
    expect(first).toMatchObject({ strategy: "snip", trigger: "auto", run: { turn: 31, started_seq: 1 } });
    expect(first?.post_tokens).toBe(paddedTokens(history.state.entries));

    const { state } = history;
    const again = {
      kind: "session_memory",
      headSeq: first?.head_seq ?? 0,
      removed: 0,
      preTokens: 1,
    } as const;
    const second = checkpointAt(state, runIn(state), again);
    expect(second.digest).not.toBe(first?.digest);
    expect(checkpointAt(state, runIn(state), again).digest).toBe(second.digest);
    expect(second.messages_removed).toBe(first?.messages_removed);
  });

  it("counts all messages that are gone, over all cuts", () => {
    const history = equalTurns(31, 3_000);
    const before = history.state.entries.length;
    carryOut(history, plan(history.state));
    for (let turn = 31; plan(history.state).kind === "none"; turn++) {
      history.says(assistant("", { calls: [call(`c${turn}`)] }), turn);
      history.finishes(result(`c${turn}`, text(3_000)));
    }
    const added = history.events.filter((event) => event.type === "message_appended").length * 2 + 1 - before;
    carryOut(history, plan(history.state));
    const { entries, checkpoint } = history.state;
    expect(checkpoint?.checkpoint.messages_removed).toBe(before + added - entries.length);
  });
});

/** Calls without a result and results without a call. */
function unpaired(entries: readonly Entry[]): string[] {
  const calls = entries.flatMap(({ message }) =>
    message.role === "assistant"
      ? message.parts.flatMap((part) => (part.type === "tool_call" ? [part.id] : []))
      : [],
  );
  const results = entries.flatMap(({ message }) =>
    message.role === "tool" ? message.results.map((one) => one.call_id) : [],
  );
  return [...calls.filter((id) => !results.includes(id)), ...results.filter((id) => !calls.includes(id))];
}

function blankIn(state: SessionState): string[] {
  const tools = state.entries.flatMap(({ message }): ToolMessage[] =>
    message.role === "tool" ? [message] : [],
  );
  return tools.flatMap((message) =>
    message.results.filter((one) => one.output === CLEARED_OUTPUT).map((one) => one.call_id),
  );
}
