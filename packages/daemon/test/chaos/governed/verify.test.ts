import { expect, test } from "vitest";
import { Findings } from "../verify/findings.ts";
import { endingsOf, usedAfterRevocation } from "./verify.ts";

const never = Number.POSITIVE_INFINITY;

test("a call under a key or a session that is revoked is found, one that was on its way or came back is not", () => {
  const governor = {
    revoked: new Map([["s0", [{ fromMs: 1_000, untilMs: 5_000 }]]]),
    replaced: new Map([["old", { fromMs: 2_000, untilMs: never }]]),
  };
  const call = (atMs: number, key: string, session: string) => ({ atMs, key, session });
  const bad = [call(3_000, "new", "s0"), call(9_000, "old", "s1")];
  const good = [
    call(999, "old", "s0"),
    call(1_100, "old", "s0"),
    call(5_001, "new", "s0"),
    call(3_000, "new", "s1"),
    call(2_100, "old", "s1"),
  ];
  expect(usedAfterRevocation([...good, ...bad], governor)).toEqual(bad);
});

test("a run that is missing, that fails for no reason it may have, or that nobody submitted is found", () => {
  const findings = new Findings();
  const accepted = new Map(["a", "b", "c", "d", "e", "f", "g"].map((key) => [key, `run-${key}`]));
  const view = (key: string, status: string, error?: string, restarts = 0) =>
    ({ run_id: `run-${key}`, status, error, usage: { restarts } }) as never;
  const often = "quarantined: the daemon stopped 6 times at this point of the run (turn 0) without progress";
  const views = [
    view("a", "completed"),
    view("b", "failed", "the budget 'x' is spent"),
    view("c", "failed", "subject 'session:s0' has been revoked"),
    view("d", "failed", "no idea"),
    view("f", "failed", often, 6),
    // It says so, and was not.
    view("g", "failed", often, 2),
    view("z", "completed"),
  ];
  expect(endingsOf(accepted, views, findings)).toMatchObject({
    settled: 6,
    completed: 1,
    failedByBudget: 1,
    failedByRevocation: 1,
    quarantined: 1,
  });
  expect([findings.count("lost"), findings.count("repeated")]).toEqual([3, 1]);
});
