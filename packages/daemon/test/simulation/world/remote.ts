import { McpServerEntry } from "@kheish/contract";
import type { CallEnd, UpstreamCall } from "../../../src/tools/mcp/connection-port.ts";
import {
  type Connection,
  UpstreamFailure,
  type UpstreamTool,
} from "../../../src/tools/mcp/connection-port.ts";
import type { ServerSpec } from "../../../src/tools/mcp/index.ts";
import type { CallPlan, Plan, RemotePlan, ToolName } from "../plan/plan.ts";
import type { Effect } from "./outside.ts";
import { hash, type Prng } from "./prng.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

export const REMOTE: ServerSpec = {
  name: "remote",
  entry: McpServerEntry.parse({ url: "https://remote.example/mcp", tool_timeout_sec: 60 }),
  source: "codex_config",
  profiles: [],
};

/** What it says of its tools; of `send` it says nothing, and whoever says nothing is not repeated. */
const TOOLS: readonly UpstreamTool[] = [
  { name: "look", annotations: { readOnlyHint: true } },
  { name: "upsert", annotations: { idempotentHint: true } },
  { name: "send" },
].map((tool) => ({ ...tool, inputSchema: { type: "object" } }));

export type SimulatedConnect = (signal: AbortSignal) => Promise<Connection>;

export interface RemoteParts {
  scheduler: Scheduler;
  prng: Prng;
  plan: Plan;
  remote: RemotePlan;
  callOf: (id: string) => CallPlan | undefined;
  /** How often a call was done so far. */
  count: (call: string) => number;
  do: (effect: Effect) => void;
  onDeath: () => void;
}

/** One life of the server: what it was about to do when it died does not happen. */
class Life implements Owner {
  readonly name = "remote";
  alive = true;
  readonly #whenDead: (() => void)[] = [];

  die(): void {
    this.alive = false;
    for (const told of this.#whenDead.splice(0)) told();
  }

  onDeath(tell: () => void): void {
    if (this.alive) this.#whenDead.push(tell);
    else tell();
  }
}

/**
 * An MCP server that lives outside and has a life of its own: it goes on with a call when the daemon that made it has
 * died, it dies in the middle of calls, it forgets who was connected, and its answers get lost on their way.
 */
export class Remote {
  /** Calls whose last attempt a daemon knows to have had no answer. */
  readonly unanswered = new Set<string>();
  readonly #parts: RemoteParts;
  #life = new Life();

  constructor(parts: RemoteParts) {
    this.#parts = parts;
  }

  start(owner: Owner): void {
    const { scheduler, remote } = this.#parts;
    for (const { atMs, downMs } of remote.deaths) {
      scheduler.schedule(atMs, owner, "remote dies", () => {
        this.#life.die();
        this.#parts.onDeath();
        scheduler.schedule(downMs, owner, "remote starts", () => {
          this.#life = new Life();
        });
      });
    }
  }

  connect(process: Owner): SimulatedConnect {
    return async () => {
      await this.#travel(process);
      const life = this.#life;
      if (!life.alive) throw new UpstreamFailure("connection refused", true);
      await this.#travel(process);
      const closed = Promise.withResolvers<string>();
      return {
        protocolVersion: "2026-07-28",
        serverVersion: undefined,
        instructions: undefined,
        closed: closed.promise,
        listTools: async () => {
          await this.#reach(process, life);
          return [...TOOLS];
        },
        call: (call, signal) => this.#called(process, life, call, signal),
        list: nobodyAsks,
        read: nobodyAsks,
        prompts: nobodyAsks,
        prompt: nobodyAsks,
        close: async () => closed.resolve("it was closed"),
      };
    };
  }

  async #called(process: Owner, life: Life, call: UpstreamCall, signal: AbortSignal): Promise<CallEnd> {
    const { call: id = "" } = call.input as { call?: string };
    await this.#reach(process, life);
    const end = Promise.withResolvers<CallEnd>();
    life.onDeath(() => end.resolve({ kind: "lost", message: "the server went away" }));
    const stop = () => end.resolve({ kind: "lost", message: "the call was stopped" });
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    void this.#serve(process, life, id, call).then(end.resolve);
    const ended = await end.promise;
    // Who has died meanwhile hears nothing any more.
    await this.#travel(process);
    if (ended.kind === "lost" && !signal.aborted) this.unanswered.add(id);
    else this.unanswered.delete(id);
    return ended;
  }

  async #serve(process: Owner, life: Life, id: string, call: UpstreamCall): Promise<CallEnd> {
    const { callOf, plan, remote } = this.#parts;
    const planned = callOf(id);
    if (planned === undefined) throw new Error(`nobody planned a call '${id}'`);
    const { tool, behaviour } = planned;
    await this.#work(life);
    if (behaviour === "refuses") return { kind: "refused", message: "refused" };
    this.#parts.do({
      tool,
      call: id,
      run: call.runId,
      key: call.idempotencyKey,
      input: call.input as Effect["input"],
      process: process.name,
    });
    await this.#work(life);
    if (behaviour === "hangs") return new Promise(() => undefined);
    const isFirst = this.#parts.count(id) === 1;
    const isLost = behaviour === "throws" || hash(plan.seed, `answer ${id}`) % 100 < remote.lost;
    if (isFirst && isLost) return { kind: "lost", message: "its answer was lost" };
    const isError = behaviour === "fails_late";
    return { kind: "result", result: { content: [{ type: "text", text: `${tool} ${id}` }], isError } };
  }

  /** On its way there; it is another one, or none, when the server has died since. */
  async #reach(process: Owner, life: Life): Promise<void> {
    await this.#travel(process);
    if (!life.alive) throw new UpstreamFailure("it knows us no more", true);
  }

  #travel(process: Owner): Promise<void> {
    const ms = this.#parts.prng.int(0, this.#parts.plan.weather.toolMs);
    return this.#parts.scheduler.sleep(ms, process, "mcp");
  }

  #work(life: Life): Promise<void> {
    const ms = this.#parts.prng.int(0, this.#parts.plan.weather.toolMs);
    return this.#parts.scheduler.sleep(ms, life, "mcp work");
  }
}

function nobodyAsks(): never {
  throw new Error("nobody asks for this here");
}

/** The tool of a plan as the daemon calls it, and what may be done about it again. */
export function isRepeatable(tool: ToolName): boolean {
  return /(?:^|__)(?:look|upsert)$/.test(tool);
}

export function isRemote(tool: string): boolean {
  return tool.startsWith("mcp__");
}
