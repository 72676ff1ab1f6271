import type { Json } from "@kheish/contract";
import { compose, type Daemon, type World as DaemonWorld, ownerOf } from "../../../src/compose.ts";
import {
  DEFAULT_RUN_LIMITS,
  type ModelPort,
  type RouteResolver,
  type Tool,
} from "../../../src/engine/index.ts";
import { callbackCaller, type HookCallback } from "../../../src/features/hooks/index.ts";
import { Accounts } from "../../../src/governance/accounts/accounts.ts";
import { Audit, createSynchronousSigner } from "../../../src/governance/audit/index.ts";
import { routeCredentials } from "../../../src/governance/broker/route-credentials.ts";
import { Credentials } from "../../../src/governance/credentials.ts";
import { Redactor } from "../../../src/governance/redaction/redactor.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import type { Log } from "../../../src/kernel/log.ts";
import type { Random } from "../../../src/kernel/random.ts";
import type { Store } from "../../../src/kernel/store.ts";
import { createModels, loadRoutes } from "../../../src/model/index.ts";
import { type McpCredentialPort, McpServers } from "../../../src/tools/mcp/index.ts";
import type { Plan } from "../plan/plan.ts";
import type { Authorization } from "./authorization.ts";
import type { MemoryBlobs } from "./memory-blobs.ts";
import type { Prng } from "./prng.ts";
import { CHAINED, MASTER_KEY, type ModelCall, Provider, type ProviderParts } from "./provider.ts";
import { REMOTE, type SimulatedConnect } from "./remote.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** Daemons on one store share it. */
export const AUDIT_SIGNER = createSynchronousSigner(Buffer.alloc(32, 1));
const ROUTES = loadRoutes({ env: {} });
const CHAIN = loadRoutes({ env: {}, file: CHAINED });
/** The server outside asks nobody who they are. */
const NO_CREDENTIALS: McpCredentialPort = {
  secret: nobodyAsks,
  accessTokenFor: nobodyAsks,
  refusal: nobodyAsks,
  onChange: () => () => undefined,
};
const noNetwork: typeof fetch = () => Promise.reject(new Error("a simulated daemon has no network"));

export interface ProcessParts {
  scheduler: Scheduler;
  prng: Prng;
  plan: Plan;
  blobs: MemoryBlobs;
  /** The store as this process sees it. */
  openStore: (process: SimulatedProcess) => Store;
  tools: (process: SimulatedProcess) => readonly Tool[];
  shells: (process: SimulatedProcess) => NonNullable<DaemonWorld["shells"]>;
  hook: (process: SimulatedProcess) => HookCallback;
  authorization: Authorization;
  /** How the MCP server outside is connected to; absent: there is none. */
  connect?: (process: SimulatedProcess) => SimulatedConnect;
  /** A call leaves. */
  onModelCall: (process: SimulatedProcess, call: ModelCall) => void;
  beforeLook: () => number;
  onDenied: (runId: string, why: string) => void;
  onLog: (process: SimulatedProcess, level: string, fields: Json, message: string) => void;
}

/** One incarnation of a daemon: the whole of it but its doors, on simulated time, until it dies. */
export class SimulatedProcess implements Owner {
  readonly name: string;
  /** The daemon that this is an incarnation of. */
  readonly slot: number;
  readonly daemon: Daemon;
  readonly store: Store;
  readonly clock: Clock;
  alive = true;
  pausedUntil = 0;
  /** How far this process' clock is from the true time. */
  skewMs: number;
  /** Its doors open when it has started. */
  started = false;
  draining = false;
  /** Times that the machine did not let it run. */
  pauses = 0;
  readonly #whenDead: (() => void)[] = [];

  constructor(parts: ProcessParts, slot: number, incarnation: number) {
    const { scheduler, plan } = parts;
    const prng = parts.prng.fork(`process ${slot}.${incarnation}`);
    this.slot = slot;
    this.name = `d${slot}.${incarnation}`;
    this.skewMs = plan.weather.skewMs === 0 ? 0 : prng.int(-plan.weather.skewMs, plan.weather.skewMs);
    this.clock = {
      now: () => scheduler.now + this.skewMs,
      schedule: (delayMs, run) => scheduler.schedule(delayMs, this, "timer", run),
    };
    this.store = parts.openStore(this);
    const random: Random = {
      hex: (bytes) =>
        Array.from({ length: bytes }, () => prng.int(0, 255).toString(16).padStart(2, "0")).join(""),
      unit: () => prng.unit(),
    };
    const tools = parts.tools(this);
    const log = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
      parts.onLog(this, level, fields as unknown as Json, message);
    const ports = {
      store: this.store,
      clock: this.clock,
      log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") } satisfies Log,
    };
    const audit = new Audit({ ...ports, keys: { signer: AUDIT_SIGNER } });
    const credentials = new Credentials({
      store: this.store,
      audit: audit.ledger,
      clock: this.clock,
      random,
      masterKey: MASTER_KEY,
      redactor: new Redactor(),
    });
    const accounts = new Accounts({
      store: this.store,
      vault: credentials.vault,
      clock: this.clock,
      fetch: parts.authorization.fetchOf(this),
      log: ports.log,
      owner: ownerOf(String(slot)),
    });
    const own = { all: () => tools, get: (name: string) => tools.find((tool) => tool.name === name) };
    const connect = parts.connect?.(this);
    const servers =
      connect === undefined
        ? undefined
        : new McpServers({
            clock: this.clock,
            random,
            log: ports.log,
            credentials: NO_CREDENTIALS,
            connect: (_spec, signal) => connect(signal),
            redact: (text) => text,
            record: (action) => audit.ledger.record(action),
          });
    this.daemon = compose(
      {
        ...ports,
        blobs: parts.blobs,
        random,
        models: modelsOf(parts, this.clock, random, {
          credentials: routeCredentials(credentials, accounts, ports.log),
          isAlive: () => this.alive,
          takes: (token) => parts.authorization.takes(token),
          onCall: (call) => parts.onModelCall(this, call),
        }),
        tools: servers?.beside(own) ?? own,
        ...(servers === undefined
          ? {}
          : { mcp: { servers, load: async () => ({ profiles: [], specs: [REMOTE], skipped: [] }) } }),
        audit,
        shells: parts.shells(this),
        hooks: { callback: callbackCaller(new Map([["outside", parts.hook(this)]])) },
        credentials,
      },
      {
        instanceId: String(slot),
        workspaceRoot: "/workspace",
        stateRoot: "/state",
        stateRootLock: { path: "/state/daemon.lock", held: true, mechanism: "simulated" },
        limits: DEFAULT_RUN_LIMITS,
        approvalTimeoutMs: 0,
        eventHistoryCapacity: 64,
        concurrency: 16,
        queuedLagThresholdMs: 1_800_000,
        staleThresholdMs: 1_800_000,
        processId: incarnation,
        controlPlane: async () => {
          throw new Error("a simulated daemon has no doors");
        },
        probeStorage: async () => [],
      },
    );
  }

  /** SIGKILL: nothing of it happens any more, and whoever talked to it hears of it. */
  die(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const told of this.#whenDead.splice(0)) told();
  }

  onDeath(tell: () => void): void {
    if (this.alive) this.#whenDead.push(tell);
    else tell();
  }
}

/** The simulator behind the real router and its retries, with the context window that the plan wants. */
function modelsOf(
  { plan, blobs, beforeLook, onDenied }: ProcessParts,
  clock: Clock,
  random: Random,
  call: CallParts,
): ModelPort & RouteResolver {
  const routes = (plan.access?.overloaded ?? 0) > 0 ? CHAIN : ROUTES;
  const real = createModels({ routes, clock, random, blobs, fetch: noNetwork });
  const provider = new Provider(plan, { ...call, beforeLook, onDenied });
  const models: ModelPort & RouteResolver = {
    ...real,
    call: (request, options) => provider.call(request, () => real.call(request, options)),
  };
  const { contextTokens } = plan;
  return contextTokens === undefined
    ? models
    : { ...models, limits: () => ({ context_tokens: contextTokens, max_output_tokens: 1_000 }) };
}

function nobodyAsks(): never {
  throw new Error("nobody asks for a secret");
}

type CallParts = Pick<ProviderParts, "credentials" | "takes" | "isAlive" | "onCall">;
