import type { Json, JsonObject, RunView, TaskOutputView, TaskRecord } from "@kheish/contract";
import type { Tool } from "../../src/engine/index.ts";
import { createBuiltinTools } from "../../src/tools/index.ts";
import { bootDoomed, type DoomedDaemon } from "../support/crashing.ts";
import { useRigs } from "../support/fixture.ts";
import type { BootOptions, Rig } from "../support/rig.ts";
import { calls, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { until } from "../support/wait.ts";
import { FakeMachine } from "./fake-shells.ts";

const TASK_TOOLS = /^(bash|task_\w+)$/;

/** A daemon with one session, whose model makes the calls that a test wants, one after the other. */
export class TaskWorld {
  readonly rig: Rig;
  readonly machine: FakeMachine;
  readonly model: ScriptedModel;
  daemon: DoomedDaemon;
  session: TestSession;
  readonly #wanted: { name: string; input: Json }[];
  readonly #options: BootOptions;

  constructor(parts: {
    rig: Rig;
    machine: FakeMachine;
    model: ScriptedModel;
    daemon: DoomedDaemon;
    session: TestSession;
    wanted: { name: string; input: Json }[];
    options: BootOptions;
  }) {
    this.rig = parts.rig;
    this.machine = parts.machine;
    this.model = parts.model;
    this.daemon = parts.daemon;
    this.session = parts.session;
    this.#wanted = parts.wanted;
    this.#options = parts.options;
  }

  /** What the model does in its next run; answers the run. */
  async run(...wanted: [name: string, input?: Json][]): Promise<RunView> {
    this.#wanted.push(...wanted.map(([name, input = {}]) => ({ name, input })));
    return this.session.submit("go on");
  }

  /** The same, to its end; the answers of its calls. */
  async results(
    ...wanted: [name: string, input?: Json][]
  ): Promise<{ output: JsonObject; isError: boolean }[]> {
    const { run_id } = await this.run(...wanted);
    await this.session.reaches(run_id, "completed");
    const finished = await this.session.events("tool_call_finished");
    return finished
      .filter((event) => event.run_id === run_id)
      .map(({ result }) => ({ output: result.output as JsonObject, isError: result.is_error }));
  }

  async result(name: string, input: Json = {}): Promise<JsonObject> {
    const [result] = await this.results([name, input]);
    if (result === undefined || result.isError) throw new Error(JSON.stringify(result));
    return result.output;
  }

  async refusal(name: string, input: Json): Promise<string> {
    const [result] = await this.results([name, input]);
    if (result?.isError !== true) throw new Error(`not refused: ${JSON.stringify(result)}`);
    return String(result.output.error);
  }

  /** A command in the background, once it runs. */
  async begin(command = "make all"): Promise<string> {
    const before = this.machine.shells.length;
    const { background_task_id: id } = await this.result("bash", { command, run_in_background: true });
    await until("the command to run", () => this.machine.shells.length > before);
    await until("its process to be noted", async () => "pid" in (await this.metadata(String(id))));
    return String(id);
  }

  async task(taskId: string): Promise<TaskRecord> {
    const { json } = await this.daemon.call("getTask", { params: this.#place(taskId) });
    return json as unknown as TaskRecord;
  }

  async metadata(taskId: string): Promise<JsonObject> {
    return (await this.task(taskId)).metadata as JsonObject;
  }

  async tasks(query: Record<string, string> = {}): Promise<TaskRecord[]> {
    return (await this.session.call("listTasks", undefined, query)).json as unknown as TaskRecord[];
  }

  async output(taskId: string, query: Record<string, string> = {}): Promise<TaskOutputView> {
    const { json } = await this.daemon.call("taskOutput", { params: this.#place(taskId), query });
    return json as unknown as TaskOutputView;
  }

  async stop(taskId: string, reason?: string): Promise<TaskRecord> {
    const body = reason === undefined ? {} : { reason };
    const { json } = await this.daemon.call("stopTask", { params: this.#place(taskId), body });
    return json as unknown as TaskRecord;
  }

  /** Lets time pass until the task is over. */
  async over(taskId: string): Promise<TaskRecord> {
    let looks = 0;
    await until(`task ${taskId} to end`, async () => {
      const { status } = await this.task(taskId);
      if (!["pending", "in_progress", "blocked"].includes(status)) return true;
      looks += 1;
      // The disk takes real time; what waits for the clock is hurried only when it may have had it.
      if (looks % 20 === 0) await this.rig.clock.advance(50);
      return false;
    });
    // Whoever is told of it is done with it.
    await this.daemon.settle();
    return this.task(taskId);
  }

  /** SIGKILL and a new daemon; what the machine runs is left as it is. */
  async reboot(options: BootOptions = {}): Promise<void> {
    this.daemon.kill();
    this.daemon = await bootDoomed(this.rig, { ...this.#options, ...options });
    this.session = new TestSession(this.daemon);
  }

  /** The inputs of the runs that the daemon began by itself. */
  async notices(): Promise<string[]> {
    const runs = (await this.daemon.runs()).filter(({ kind }) => kind === "mailbox_delivery");
    const ids = new Set(runs.map(({ run_id }) => run_id));
    return (await this.session.events("input_received"))
      .filter(({ run_id }) => ids.has(run_id))
      .map(({ message }) => JSON.stringify(message.parts));
  }

  #place(taskId: string) {
    return { session_id: this.session.id, task_id: taskId };
  }
}

export function useTaskWorlds(): (options?: BootOptions & { maxMs?: number }) => Promise<TaskWorld> {
  const createRig = useRigs();
  return async ({ maxMs, ...more } = {}) => {
    const machine = new FakeMachine();
    const tools: Tool[] = [];
    const rig = await createRig(() => tools);
    const shells = machine.shellsFor(rig.clock, maxMs);
    const builtin = createBuiltinTools({
      hostEnv: {},
      commands: shells.launcher,
      held: shells.held,
      scratchDir: rig.directory,
    });
    tools.push(...builtin.all().filter(({ name }) => TASK_TOOLS.test(name)));
    const wanted: { name: string; input: Json }[] = [];
    let count = 0;
    const model = new ScriptedModel(() => {
      const next = wanted.shift();
      count += 1;
      return next === undefined ? says("done") : calls([{ ...next, id: `call-${count}` }]);
    });
    const options: BootOptions = { models: model, shells, permissionMode: "bypassPermissions", ...more };
    const daemon = await bootDoomed(rig, options);
    const session = await TestSession.create(daemon);
    return new TaskWorld({ rig, machine, model, daemon, session, wanted, options });
  };
}

/** An event without the run that it belongs to. */
export function bodyOf<T extends { run_id?: string }>({ run_id: _run, ...rest }: T): Omit<T, "run_id"> {
  return rest;
}
