import type { JsonObject } from "@kheish/contract";
import {
  type CommandDeps,
  endedShellTask,
  read,
  type ShellEnd,
  type StoredTask,
  shellLease,
  TaskBook,
  tellTasks,
  toldTask,
  transact,
  untoldTasks,
  withMetadata,
} from "../../engine/index.ts";
import type { Blobs } from "../../kernel/blobs.ts";
import { sleep } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import { backoff } from "../../kernel/queue-worker.ts";
import type { OutputCounts } from "./output-log.ts";
import type { TaskOutputs } from "./outputs.ts";

export interface EndingsDeps {
  commands: CommandDeps;
  blobs: Blobs;
  log: Log;
  /** Who holds the leases of what runs here. */
  owner: string;
  outputs: TaskOutputs;
}

/** Says how commands ended, whoever ran them, and keeps what they wrote. */
export class Endings {
  readonly #deps: EndingsDeps;
  readonly #stopping: AbortSignal;

  /** `stopping`: the store is waited for no longer. */
  constructor(deps: EndingsDeps, stopping: AbortSignal) {
    this.#deps = deps;
    this.#stopping = stopping;
  }

  /** All that is left of the output goes to where it outlives this disk. */
  async keepOutput(
    id: string,
    counts: OutputCounts,
  ): Promise<{ metadata: JsonObject; blob?: { sha256: string; size_bytes: number } }> {
    const { outputs, blobs, log } = this.#deps;
    const metadata = countsFields(counts);
    try {
      const bytes = await outputs.read(id);
      if (bytes === undefined) return { metadata };
      const { sha256, sizeBytes } = await blobs.put(bytes);
      return { metadata, blob: { sha256, size_bytes: sizeBytes } };
    } catch (error) {
      log.warn({ task: id, err: String(error) }, "the output of a background command could not be kept");
      return { metadata: { ...metadata, output_capture_error: "its output could not be kept" } };
    }
  }

  /**
   * Says how a command ended, in one commit with what follows from it: the record, the hooks that watch, and the run
   * that tells the agent, when nobody is at work there. Again until the store takes it.
   */
  async settle(id: string, end: ShellEnd): Promise<void> {
    const { commands, outputs, owner } = this.#deps;
    const sessionId = id.slice(0, id.lastIndexOf("/"));
    const taskId = id.slice(id.lastIndexOf("/") + 1);
    await this.insist(() =>
      transact(commands, sessionId, async (change, session) => {
        const kept = await read(commands.store, "task", id);
        const ended = kept && endedShellTask(kept.data, explained(kept.data, end), change.now);
        const lease = await commands.store.getLease(shellLease(id));
        if (lease?.owner === owner) change.add({ op: "release-lease", name: lease.name, token: lease.token });
        if (kept === undefined || ended === undefined) return;
        const book = new TaskBook(commands, session.data);
        await book.get(taskId);
        // Where the session is over nobody is left to be told.
        book.stage(session.data.ended_at_ms === undefined ? ended : toldTask(ended));
        book.flush(change);
        if (session.data.active_run_id !== undefined || session.data.ended_at_ms !== undefined) return;
        const others = (await untoldTasks(commands.store, sessionId)).filter((one) => one.id !== id);
        await tellTasks(commands.store, change, [...others, { ...kept, data: ended }]);
      }),
    );
    await outputs.remove(id).catch(() => undefined);
  }

  /** Again until the store answers; undefined when the daemon is going down meanwhile. */
  async insist<T>(act: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await act();
      } catch (error) {
        this.#deps.log.error({ err: String(error) }, "the state of a background command could not be kept");
        if (this.#stopping.aborted) return undefined;
        await sleep(this.#deps.commands.clock, backoff(attempt), this.#stopping);
        if (this.#stopping.aborted) return undefined;
      }
    }
  }
}

/** The daemon went down under it (04-R52). */
export function cutOff(metadata: JsonObject): ShellEnd {
  return {
    status: "failed",
    output: "cut off: the daemon that ran it went down; it was not started again",
    metadata: { ...metadata, terminal_reason: "daemon_restarted" },
  };
}

export function countsFields({ size, total, rotations }: OutputCounts): JsonObject {
  return {
    output_size_bytes: size,
    output_total_bytes: total,
    output_rotated: rotations > 0,
    output_rotation_count: rotations,
  };
}

/** A stop says why, where somebody said so. */
function explained(stored: StoredTask, end: ShellEnd): ShellEnd {
  const { stop_reason: reason } = withMetadata(stored, {});
  return end.status === "cancelled" && typeof reason === "string" ? { ...end, output: reason } : end;
}
