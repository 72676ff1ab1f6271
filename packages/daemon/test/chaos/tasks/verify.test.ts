import type { JsonObject, TaskRecord } from "@kheish/contract";
import { expect, test } from "vitest";
import { Findings } from "../verify/findings.ts";
import { type CommandKind, outputOf } from "./commands.ts";
import { answerOf, type CommandFacts, checkCommand } from "./verify.ts";

const ONCE = { began: 1, ended: 0 };
const KILLED_AT = 150;

function task(status: TaskRecord["status"], metadata: JsonObject = {}, updated_at_ms = 200): TaskRecord {
  const base = { id: "t", title: "t", description: "t", owner_agent_id: "a", blocked_by: [], blocks: [] };
  const all = { tool_call_id: "r0-ends", deadline_at_ms: 1_000, ...metadata };
  return { ...base, status, output: "so", metadata: all, created_at_ms: 100, updated_at_ms, revision: 1 };
}

/** A command that ended as it should, with what is different about it. */
function check(kind: CommandKind, changes: Partial<CommandFacts> = {}) {
  const command = { name: `r0-${kind}`, kind };
  const findings = new Findings();
  const end = checkCommand(
    {
      command,
      answer: "begun",
      tasks: [task("completed", { exit_code: 0 })],
      written: { began: 1, ended: 1 },
      output: outputOf(command),
      isStopped: false,
      notices: 1,
      ...changes,
    },
    [KILLED_AT],
    findings,
  );
  return [end, ...findings.sentences];
}

const CUT_OFF = { terminal_reason: "daemon_restarted" };

test.each<[string, CommandKind, Partial<CommandFacts>, string]>([
  ["ends well", "ends", {}, "exited"],
  ["ends badly", "fails", { tasks: [task("failed", { exit_code: 3 })] }, "exited"],
  [
    "is stopped, and who stopped it saw it",
    "stopped",
    { tasks: [task("cancelled")], written: ONCE, isStopped: true, notices: 0 },
    "stopped",
  ],
  [
    "comes to its deadline",
    "late",
    { tasks: [task("failed", { terminal_reason: "deadline_exceeded" }, 1_000)], written: ONCE },
    "past_deadline",
  ],
  ["loses its daemon", "ends", { tasks: [task("failed", CUT_OFF)], output: "r0-ends 1\nr0-e" }, "cut_off"],
  [
    "loses it before it begins",
    "late",
    { tasks: [task("failed", CUT_OFF)], output: "", written: { began: 0, ended: 0 } },
    "cut_off",
  ],
  [
    "is not known to its run, and not there",
    "ends",
    { answer: "unknown", tasks: [], output: "", written: { began: 0, ended: 0 }, notices: 0 },
    "never_begun",
  ],
])("what %s is no finding", (_what, kind, changes, end) => {
  expect(check(kind, changes)).toEqual([end]);
});

test.each<[string, CommandKind, Partial<CommandFacts>, string]>([
  ["begun twice", "ends", { written: { began: 2, ended: 1 } }, "repeated: r0-ends was begun 2 times"],
  [
    "twice a task",
    "ends",
    { tasks: [task("completed", { exit_code: 0 }), task("in_progress")] },
    "repeated: r0-ends has 2 tasks",
  ],
  ["told twice", "ends", { notices: 2 }, "repeated: r0-ends was told 2 times how it ended"],
  ["told nobody", "ends", { notices: 0 }, "lost: r0-ends was told by nobody how it ended"],
  ["without an answer", "ends", { answer: undefined }, "lost: r0-ends has no answer to its call"],
  ["refused", "ends", { answer: "refused" }, "lost: r0-ends was refused"],
  ["begun in secret", "ends", { answer: "unknown" }, "lost: r0-ends is told as unknown and has a task"],
  ["without a task", "ends", { tasks: [] }, "lost: r0-ends is told as begun and has no task"],
  [
    "another's output",
    "late",
    { output: "r1-late 1\n" },
    "lost: r0-late has an output that it did not write",
  ],
  ["over in part", "ends", { output: "r0-ends 1\n" }, "lost: r0-ends is completed, which it cannot be: so"],
  [
    "not over",
    "ends",
    { tasks: [task("in_progress")] },
    "lost: r0-ends is in_progress, which it cannot be: so",
  ],
  ["over and did not end", "ends", { written: ONCE }, "lost: r0-ends is completed, which it cannot be: so"],
  [
    "good and failed",
    "ends",
    { tasks: [task("failed", { exit_code: 1 })] },
    "lost: r0-ends is failed, which it cannot be: so",
  ],
  [
    "stopped by nobody",
    "stopped",
    { tasks: [task("cancelled")] },
    "lost: r0-stopped is cancelled, which it cannot be: so",
  ],
  [
    "late too early",
    "late",
    { tasks: [task("failed", { terminal_reason: "deadline_exceeded" })] },
    "lost: r0-late is failed, which it cannot be: so",
  ],
  [
    "cut off by no kill",
    "late",
    { tasks: [task("failed", CUT_OFF, 149)] },
    "lost: r0-late is failed, which it cannot be: so",
  ],
])("a command that is %s is one", (_what, kind, changes, sentence) => {
  expect(check(kind, changes)).toContain(sentence);
});

test("a call is told by what its run was told", () => {
  expect(answerOf({ background_task_id: "t", success: true })).toBe("begun");
  expect(answerOf({ error: "interrupted, outcome unknown", outcome: "unknown" })).toBe("unknown");
  expect(answerOf({ error: "16 commands run in the background already" })).toBe("refused");
  expect(answerOf(undefined)).toBeUndefined();
});
