import { createHash } from "node:crypto";
import { BACKGROUND_SHELL, isTaskOver, type JsonObject, type TaskStatus } from "@kheish/contract";
import type { Driver } from "../loop/driver.ts";
import { LEASE_MS } from "../loop/session-lease.ts";
import { type StoredTask, taskRecordId } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import type { TaskBook } from "./book.ts";
import type { ShellCommand } from "./port.ts";
import { isObject, TaskRefused } from "./rules.ts";

/** Commands of one session in the background at one time. */
export const MAX_LIVE_COMMANDS = 16;

/** Held by the daemon whose process the command is, together with everything else it holds. */
export function shellLease(recordId: string): string {
  return `shell-task/${recordId}`;
}

/**
 * The record of a command that is to run, before it runs (04-R43): in one commit with the call's result and with the
 * lease of the daemon that will start it. Should that daemon die, another one finds the lease free.
 */
export async function beginShellTask(
  driver: Driver,
  book: TaskBook,
  change: SessionChange,
  callId: string,
  command: ShellCommand,
): Promise<string> {
  const { deps, run, session } = driver;
  const { shells } = deps;
  if (shells === undefined) throw new TaskRefused("this daemon runs no commands in the background");
  const live = await deps.store.count("task", { index: "live", prefix: [book.sessionId] });
  if (live >= MAX_LIVE_COMMANDS)
    throw new TaskRefused(`${live} commands run in the background already; wait for one, or stop one`);
  const id = await book.freeId(`shell-task-${shortHash(book.sessionId)}-${change.now}`);
  const deadline = change.now + shells.maxMs;
  const { run_id, agent_id, generation, reply_targets } = run.data;
  const recordId = taskRecordId(book.sessionId, id);
  book.stage({
    session_id: book.sessionId,
    task: {
      id,
      title: await freeTitle(book, command.title),
      description: command.command,
      status: "in_progress",
      owner_agent_id: session.agent_id,
      blocked_by: [],
      blocks: [],
      metadata: {
        kind: BACKGROUND_SHELL,
        command: command.command,
        workdir: command.workdir,
        tool_call_id: callId,
        created_by_run_id: run_id,
        started_in_background: !command.adopted,
        reply_targets: reply_targets as unknown as JsonObject[],
        identity_token: id,
        sandbox: command.sandbox,
        deadline_at_ms: deadline,
        recovered_on_boot: false,
        output_rotated: false,
        cancelled: false,
        killed_for_size: false,
        interactive_prompt_detected: false,
        stop_requested: false,
        process_tree_shutdown_timed_out: false,
      },
      created_at_ms: change.now,
      updated_at_ms: change.now,
    },
    shell: {
      host: shells.host,
      cwd: command.cwd,
      workspace_root: command.workspace_root,
      network: command.network,
      adopted: command.adopted,
      run: { run_id, agent_id, route: driver.route, generation, reply_targets },
      deadline_at_ms: deadline,
    },
  });
  change.add({
    op: "acquire-lease",
    name: shellLease(recordId),
    owner: shells.host,
    nowMs: change.now,
    leaseMs: LEASE_MS,
  });
  return id;
}

/** How a command ended, or why nobody knows. */
export interface ShellEnd {
  status: Extract<TaskStatus, "completed" | "failed" | "cancelled">;
  /** For people and models, in a few words. */
  output: string;
  metadata: JsonObject;
  blob?: { sha256: string; size_bytes: number };
}

/** The task as it is once its command is over; undefined when it is over already. */
export function endedShellTask(stored: StoredTask, end: ShellEnd, nowMs: number): StoredTask | undefined {
  if (stored.shell === undefined || isTaskOver(stored.task.status)) return undefined;
  const { output_file_path: _gone, ...metadata } = withMetadata(stored, end.metadata);
  return {
    ...stored,
    task: { ...stored.task, status: end.status, output: end.output, metadata, updated_at_ms: nowMs },
    shell: {
      ...stored.shell,
      news: "ended",
      ...(end.blob === undefined ? {} : { output_blob: end.blob }),
    },
  };
}

export function withMetadata(stored: StoredTask, more: JsonObject): JsonObject {
  const { metadata } = stored.task;
  return { ...(isObject(metadata) ? metadata : {}), ...more };
}

/** Titles of commands repeat; those of tasks that are not over do not (03-R78). */
async function freeTitle(book: TaskBook, wanted: string): Promise<string> {
  for (let number = 1; ; number++) {
    const title = number === 1 ? wanted : `${wanted} (${number})`;
    if ((await book.holderOf(title)) === undefined) return title;
  }
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
