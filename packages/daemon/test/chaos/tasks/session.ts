import { setTimeout as delay } from "node:timers/promises";
import {
  isTaskOver,
  isTerminal,
  type JsonObject,
  type RunView,
  type SessionEventLog,
  type TaskOutputView,
  type TaskRecord,
} from "@kheish/contract";
import type { OperatedScene } from "../operated/scene.ts";
import { type Command, commandsOf, scriptOf } from "./commands.ts";
import { answerOf, type CallAnswer } from "./verify.ts";

const POLL_MS = 50;
const OVER_WITHIN_MS = 60_000;
const LIST_LIMIT = 10_000;

/** What the load does in one session, and what can be seen of it. */
export class Session {
  readonly #scene: OperatedScene;
  readonly #id: string;

  constructor(scene: OperatedScene, id: string) {
    this.#scene = scene;
    this.#id = id;
  }

  /** The run's commands, one after the other; resolves with their names when the run is over. */
  async begin(run: number, ledger: string): Promise<Set<string>> {
    const commands = commandsOf(run);
    const call = (command: Command) => {
      const input = { command: scriptOf(command, ledger), run_in_background: true };
      return { id: command.name, name: "bash", input };
    };
    await this.#play(
      `r${run}`,
      commands.map((command) => ({ tool_calls: [call(command)] })),
    );
    return new Set(commands.map(({ name }) => name));
  }

  /** A model stops the one that does not end by itself; false when it is over already. */
  async stop(run: number): Promise<boolean> {
    const task = (await this.tasks()).find((one) => callOf(one) === `r${run}-stopped`);
    if (task === undefined || isTaskOver(task.status)) return false;
    const call = { name: "task_stop", input: { task_id: task.id, reason: "enough" } };
    await this.#play(`r${run}-stop`, [{ tool_calls: [call] }]);
    return true;
  }

  async untilOver(calls: ReadonlySet<string>): Promise<void> {
    await this.#until(async () =>
      (await this.tasks()).every((task) => !calls.has(callOf(task)) || isTaskOver(task.status)),
    );
  }

  tasks(): Promise<TaskRecord[]> {
    return this.#get(`tasks?limit=${LIST_LIMIT}`);
  }

  async output({ id }: TaskRecord): Promise<string> {
    const view = await this.#get<TaskOutputView>(`tasks/${id}/output?full=true`);
    return view.output_text ?? "";
  }

  /** By the call's id. */
  async answers(): Promise<Map<string, CallAnswer | undefined>> {
    const { session } = await this.#get<SessionEventLog>("events");
    return new Map(
      session.journal.flatMap(({ event }) => {
        if (event.type !== "tool_call_finished") return [];
        const { call_id, result } = event as unknown as { call_id: string; result: { output?: never } };
        return [[call_id, answerOf(result.output)]];
      }),
    );
  }

  async #play(key: string, turns: object[]): Promise<void> {
    const content = JSON.stringify({ simulate: [...turns, { text: "done" }] });
    const { run_id } = await this.#scene.submit(this.#id, key, content);
    await this.#until(async () => {
      const { body } = await this.#scene.admin.ask("GET", `/v1/runs/${run_id}`);
      return isTerminal((body as RunView).status);
    });
  }

  /** What does not come to pass in time is found at the end. */
  async #until(isSo: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + OVER_WITHIN_MS;
    while (performance.now() < deadline && !(await isSo())) await delay(POLL_MS);
  }

  async #get<T>(path: string): Promise<T> {
    return (await this.#scene.admin.ask("GET", `/v1/sessions/${this.#id}/${path}`)).body as T;
  }
}

/** The id of the call that began it. */
export function callOf({ metadata }: TaskRecord): string {
  return String((metadata as JsonObject).tool_call_id);
}
