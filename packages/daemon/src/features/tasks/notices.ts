import {
  type CommandDeps,
  type Kept,
  recorded,
  sessionOfStream,
  tellTasks,
  transact,
  untoldTasks,
} from "../../engine/index.ts";
import type { Timer } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { StoredEvent } from "../../kernel/store.ts";
import type { TaskService } from "./service.ts";

const RUN_ENDS: ReadonlySet<string> = new Set(["completed", "failed", "interrupted", "cancelled"]);
/** A wake-up may be lost, the next look is not. */
const LOOK_MS = 30_000;
const PAGE = 500;

export interface TaskNoticesDeps {
  commands: CommandDeps;
  tasks: TaskService;
  log: Log;
}

/**
 * Sees to it that what became of a background command is told: where a run was at work when it ended, once that run is
 * over and has not seen it itself. What is to be told stands in the tasks' records, so it is told by whoever comes next.
 * A session that is ended takes its commands with it.
 */
export class TaskNotices {
  readonly #deps: TaskNoticesDeps;
  /** Sessions with something to tell, as far as this daemon knows. */
  readonly #untold = new Set<string>();
  readonly #working = new Set<Promise<void>>();
  #timer: Timer | undefined;
  #isOn = false;

  constructor(deps: TaskNoticesDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#isOn = true;
    await this.#look();
    this.#lookSoon();
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    this.#timer?.cancel();
    while (this.#working.size > 0) await Promise.allSettled([...this.#working]);
  }

  heard(stored: StoredEvent): void {
    const sessionId = sessionOfStream(stored.stream);
    if (!this.#isOn || sessionId === undefined) return;
    const event = recorded(stored);
    if (event.type === "task_changed" && event.data.host !== undefined) this.#untold.add(sessionId);
    if (event.type === "session_ended") this.#do(this.#endAll(sessionId));
    if (RUN_ENDS.has(event.type) && this.#untold.has(sessionId)) this.#do(this.#tell(sessionId));
  }

  /** `idle`: only where nobody is at work; whoever is may yet see it himself. */
  async #tell(sessionId: string, options: { idle: boolean } = { idle: false }): Promise<void> {
    const { commands } = this.#deps;
    this.#untold.delete(sessionId);
    const { store } = commands;
    if ((await untoldTasks(store, sessionId)).length === 0) return;
    const told = await transact(commands, sessionId, async (change, session) => {
      if (options.idle && session.data.active_run_id !== undefined) return false;
      if (session.data.ended_at_ms !== undefined) return true;
      await tellTasks(store, change, await untoldTasks(store, sessionId));
      return true;
    });
    if (!told) this.#untold.add(sessionId);
  }

  async #look(): Promise<void> {
    const { store } = this.#deps.commands;
    let after: string | undefined;
    const sessions = new Set<string>();
    for (;;) {
      const page = await store.list("task", {
        index: "untold",
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      for (const { data } of page as unknown as Kept<"task">[]) sessions.add(data.session_id);
      if (page.length < PAGE) break;
      after = page.at(-1)?.cursor;
    }
    for (const sessionId of sessions) {
      this.#untold.add(sessionId);
      await this.#tell(sessionId, { idle: true });
    }
  }

  async #endAll(sessionId: string): Promise<void> {
    const { commands, tasks } = this.#deps;
    const live = await commands.store.list("task", { index: "live", prefix: [sessionId], limit: PAGE });
    for (const { data } of live as unknown as Kept<"task">[])
      await tasks.requestStop(sessionId, data.task.id, "the session was ended");
  }

  #lookSoon(): void {
    if (!this.#isOn) return;
    this.#timer = this.#deps.commands.clock.schedule(LOOK_MS, () => {
      this.#do(this.#look().finally(() => this.#lookSoon()));
    });
  }

  #do(work: Promise<void>): void {
    const done: Promise<void> = work
      .catch((error: unknown) =>
        this.#deps.log.error({ err: String(error) }, "telling of background commands failed"),
      )
      .finally(() => this.#working.delete(done));
    this.#working.add(done);
  }
}
