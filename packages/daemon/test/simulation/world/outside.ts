import type { Json } from "@kheish/contract";
import type { Reconciled, Tool, ToolContext, ToolOutcome } from "../../../src/engine/index.ts";
import type { CallPlan, Plan, ToolName } from "../plan/plan.ts";
import { hash, type Prng } from "./prng.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** One thing that was really done to the world. */
export interface Effect {
  tool: ToolName;
  call: string;
  run: string;
  key: string;
  input: Json;
  process: string;
}

/**
 * The world outside of the daemon. It keeps its own ledger of what was done to it, which no death of a daemon touches,
 * and its tools take their time: a process can die before, within and after each effect.
 */
export class Outside {
  readonly effects: Effect[] = [];
  onEffect: (effect: Effect) => void = () => undefined;
  readonly #scheduler: Scheduler;
  readonly #prng: Prng;
  readonly #plan: Plan;
  readonly #calls: ReadonlyMap<string, CallPlan>;

  constructor(scheduler: Scheduler, prng: Prng, plan: Plan) {
    this.#scheduler = scheduler;
    this.#prng = prng;
    this.#plan = plan;
    this.#calls = new Map(
      plan.submissions.flatMap(({ turns }) =>
        turns.flatMap(({ calls }) => calls.map((call) => [call.id, call])),
      ),
    );
  }

  call(id: string): CallPlan | undefined {
    return this.#calls.get(id);
  }

  count(call: string): number {
    return this.effects.filter((effect) => effect.call === call).length;
  }

  /** One tool of each effect class, one that can be read back, one that needs approval, and one that asks. */
  tools(process: Owner): Tool[] {
    return [
      this.#tool(process, "ask_user_question", { effect: "idempotent" }),
      this.#tool(process, "begin", {
        effect: "once",
        isolation: "none",
        // What begins after its commit has not begun without one.
        reconcile: async () => ({ kind: "not_applied" }),
      }),
      // `bash` asks for approval under the default rules.
      this.#tool(process, "bash", { effect: "once" }),
      this.#tool(process, "look", { effect: "read", allowsParallel: true }),
      this.#tool(process, "send", { effect: "once" }),
      this.#tool(process, "store_file", {
        effect: "once",
        reconcile: (_input, context) => this.#readBack(process, context.call_id),
      }),
      this.#tool(process, "upsert", { effect: "idempotent", allowsParallel: true }),
    ];
  }

  #tool(
    process: Owner,
    name: ToolName,
    parts: Pick<Tool, "effect"> & Partial<Pick<Tool, "allowsParallel" | "isolation" | "reconcile">>,
  ): Tool {
    return {
      name,
      description: name,
      input_schema: { type: "object" },
      timeoutMs: 60_000,
      sandbox: "inherited",
      allowsParallel: false,
      parse: (input) => ({ ok: true, input }),
      execute: (input, context) => this.#execute(process, name, input, context),
      ...parts,
    };
  }

  async #execute(process: Owner, tool: ToolName, input: Json, context: ToolContext): Promise<ToolOutcome> {
    const { call_id: id } = context;
    const call = this.#calls.get(id);
    if (call === undefined) throw new Error(`nobody planned a call '${id}'`);
    await this.#pause(process);
    if (tool === "ask_user_question") return question(call, context.clock.now());
    if (tool === "begin") return context.signal.aborted ? failed("stopped before it began") : command(id);
    if (call.behaviour === "throws") throw new Error("the tool is broken");
    if (call.behaviour === "refuses") return failed("refused");
    const obeys = hash(this.#plan.seed, id) % 2 === 0;
    if (context.signal.aborted && obeys) return failed("stopped before it did anything");
    this.do({
      tool,
      call: id,
      run: context.run_id,
      key: context.idempotency_key,
      input,
      process: process.name,
    });
    if (call.behaviour === "hangs") {
      await (obeys ? aborted(context.signal) : new Promise(() => undefined));
      return failed("stopped while it waited");
    }
    await this.#pause(process);
    return call.behaviour === "works" ? answered(call, input) : failed("it went wrong afterwards");
  }

  /** Something happens to the world, whoever did it. */
  do(effect: Effect): void {
    this.effects.push(effect);
    this.onEffect(effect);
  }

  async #readBack(process: Owner, id: string): Promise<Reconciled> {
    await this.#pause(process);
    if (hash(this.#plan.seed, `unreadable ${id}`) % 5 === 0) return { kind: "unknown" };
    const done = this.effects.find((effect) => effect.call === id);
    const call = this.#calls.get(id);
    if (done === undefined || call === undefined) return { kind: "not_applied" };
    return { kind: "applied", output: answered(call, done.input).output };
  }

  #pause(process: Owner): Promise<void> {
    const ms = this.#prng.int(0, this.#plan.weather.toolMs);
    return this.#scheduler.sleep(ms, process, "tool");
  }
}

function answered({ id, tool, bytes }: CallPlan, input: Json): Extract<ToolOutcome, { kind: "result" }> {
  return { kind: "result", output: { did: tool, id, input, more: "x".repeat(bytes) }, is_error: false };
}

function failed(error: string): ToolOutcome {
  return { kind: "result", output: { error }, is_error: true };
}

function command(id: string): ToolOutcome {
  return {
    kind: "task",
    change: {
      type: "begin_shell",
      output: { did: "begin", id },
      command: {
        command: id,
        title: id,
        workdir: ".",
        cwd: "/workspace",
        workspace_root: "/workspace",
        network: true,
        sandbox: "none",
        adopted: false,
      },
    },
  };
}

function question({ id, expiresAfterMs }: CallPlan, nowMs: number): ToolOutcome {
  const options = ["Yes", "No"].map((label, index) => ({ id: `option-${index + 1}`, label }));
  return {
    kind: "ask",
    questions: [
      { id: "question-1", header: "Go on", question: `Go on with ${id}?`, options, multi_select: false },
    ],
    ...(expiresAfterMs === 0 ? {} : { expires_at_ms: nowMs + expiresAfterMs }),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
