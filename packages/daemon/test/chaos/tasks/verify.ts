import { isTaskOver, type Json, type JsonObject, type TaskRecord } from "@kheish/contract";
import type { Findings } from "../verify/findings.ts";
import { type Command, EXIT_CODES, outputOf } from "./commands.ts";
import type { Written } from "./machine.ts";

/** What the run was told of the call that begins a command. */
export type CallAnswer = "begun" | "unknown" | "refused";

/** All that is known of one command when everything is over. */
export interface CommandFacts {
  command: Command;
  /** Undefined: the journal has no answer. */
  answer: CallAnswer | undefined;
  /** Those that its call made. */
  tasks: readonly TaskRecord[];
  written: Written;
  /** What can be read of its output. */
  output: string;
  /** A model asked for its end. */
  isStopped: boolean;
  /** Runs that were begun to tell how it ended. */
  notices: number;
}

export type CommandEnd = "exited" | "stopped" | "past_deadline" | "cut_off" | "never_begun";

export function answerOf(output: Json | undefined): CallAnswer | undefined {
  if (output === undefined) return undefined;
  const text = JSON.stringify(output);
  if (text.includes('"outcome":"unknown"')) return "unknown";
  return text.includes('"background_task_id"') ? "begun" : "refused";
}

/**
 * Holds what is said of a command against what it did. Answers how it ended; undefined when what is said of that cannot
 * be. `killedAt`: when daemons were killed.
 */
export function checkCommand(
  facts: CommandFacts,
  killedAt: readonly number[],
  findings: Findings,
): CommandEnd | undefined {
  const { command, answer, tasks, written, output, isStopped, notices } = facts;
  const { name } = command;
  const lost = (sentence: string) => void findings.add("lost", `${name} ${sentence}`);
  const repeated = (sentence: string) => void findings.add("repeated", `${name} ${sentence}`);
  if (written.began > 1) repeated(`was begun ${written.began} times`);
  if (tasks.length > 1) repeated(`has ${tasks.length} tasks`);
  const [task] = tasks;
  if (answer === undefined) lost("has no answer to its call");
  if (answer === "refused") lost("was refused");
  if (answer === "begun" && task === undefined) lost("is told as begun and has no task");
  if (answer === "unknown" && tasks.length + written.began > 0) lost("is told as unknown and has a task");
  if (task === undefined) return answer === "unknown" ? "never_begun" : undefined;
  if (!outputOf(command).startsWith(output)) lost("has an output that it did not write");
  if (notices > 1) repeated(`was told ${notices} times how it ended`);
  if (notices === 0 && !isStopped) lost("was told by nobody how it ended");
  const end = endOf(facts, task, killedAt);
  if (end === undefined) lost(`is ${task.status}, which it cannot be: ${task.output}`);
  return end;
}

function endOf(
  { command, written, output, isStopped }: CommandFacts,
  task: TaskRecord,
  killedAt: readonly number[],
): CommandEnd | undefined {
  const { terminal_reason: reason, exit_code: code, deadline_at_ms: deadline } = task.metadata as JsonObject;
  const { status, created_at_ms: began, updated_at_ms: ended } = task;
  if (!isTaskOver(status)) return undefined;
  if (status === "cancelled") return isStopped ? "stopped" : undefined;
  if (reason === "deadline_exceeded") return ended >= Number(deadline) ? "past_deadline" : undefined;
  if (reason === "daemon_restarted")
    return killedAt.some((at) => at >= began && at <= ended) ? "cut_off" : undefined;
  const isWhole = written.began === 1 && written.ended === 1 && output === outputOf(command);
  const wanted = EXIT_CODES[command.kind];
  const isSaid = code === wanted && (status === "completed") === (wanted === 0);
  return reason === undefined && wanted !== undefined && isWhole && isSaid ? "exited" : undefined;
}
