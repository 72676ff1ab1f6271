import { describe, expect, it } from "vitest";
import { checkpointAt } from "../context/checkpoint.ts";
import { type DecideInput, decide } from "../decide.ts";
import { DEFAULT_RUN_LIMITS } from "../limits.ts";
import { assistant, call, foldAll, History, NOW, RUN, result, runIn, user } from "../testing.ts";
import type { KeptOutputContract } from "./contracts.ts";

const CONTRACT: KeptOutputContract = { schema: { type: "number" }, max_repair_attempts: 2 };
const input = (more: Partial<DecideInput> = {}): DecideInput => ({
  limits: DEFAULT_RUN_LIMITS,
  context: { reservedOutputTokens: 0 },
  requiredFiles: [],
  outputContract: CONTRACT,
  nowMs: NOW,
  ...more,
});

/** A run whose answers were these texts, each but the last sent back. */
function answers(...texts: string[]): History {
  const history = new History();
  history.start();
  for (const [turn, text] of texts.entries()) {
    if (turn > 0) repair(history, turn);
    history.says(assistant(text), turn);
  }
  return history;
}

function repair(history: History, turn: number): void {
  history.add("message_appended", { run_id: RUN, turn, message: user("again"), nudge: "contract" });
}

describe("the decision about an answer under a contract", () => {
  it.each([
    ["conforms", ["7"], { kind: "finish", structured: "7" }],
    ["breaks it", ["seven"], { kind: "nudge", nudge: "contract" }],
    ["breaks it again", ["seven", "sieben"], { kind: "nudge", nudge: "contract" }],
    ["conforms at last", ["seven", "sieben", " 7 "], { kind: "finish", structured: "7" }],
    ["breaks it once too often", ["a", "b", "c"], { kind: "fail" }],
  ])("01-R34: the answer %s", (_what, texts, step) => {
    expect(decide(answers(...texts).state, input())).toMatchObject(step);
  });

  it("01-R34: comes after the output limit and the completion requirements", () => {
    const history = answers("seven");
    expect(decide(history.state, input({ requiredFiles: ["a.txt"] }))).toMatchObject({
      nudge: "requirement",
    });
    const cut = new History();
    cut.start();
    cut.says(assistant("7", { finish: "length" }));
    expect(decide(cut.state, input())).toMatchObject({ nudge: "output" });
  });

  it("01-R34: a repair may be made at the last turn of the run", () => {
    const limits = { ...DEFAULT_RUN_LIMITS, maxTurns: 1 };
    const history = answers("seven");
    repair(history, 1);
    expect(decide(history.state, input({ limits }))).toEqual({ kind: "call_model" });
  });

  it("01-R34: a call in a repair turn counts as an answer that breaks it", () => {
    const history = answers("seven");
    repair(history, 1);
    history.says(assistant("", { calls: [call("c")] }), 1);
    history.finishes(result("c"), { ledger: "denied" });
    expect(decide(history.state, input())).toMatchObject({ kind: "nudge", nudge: "contract" });
  });

  it("01-R34: the count survives a checkpoint", () => {
    const history = answers("seven", "sieben");
    repair(history, 2);
    const { state } = history;
    const plan = { kind: "snip", headSeq: state.seq, removed: 1, tokensFreed: 1 } as const;
    const checkpoint = checkpointAt(state, runIn(state), plan);
    history.add("checkpoint", { run_id: RUN, checkpoint });
    expect(
      runIn(foldAll(history.events.slice(-1), { ...answers().state, seq: state.seq })).contract_repairs,
    ).toBe(2);
  });
});
