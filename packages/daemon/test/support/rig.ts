import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DebugLevel, EndpointId, JsonObject, PermissionMode, RunView } from "@kheish/contract";
import { compose, type Daemon, type World } from "../../src/compose.ts";
import {
  DEFAULT_RUN_LIMITS,
  type ModelPort,
  type RouteResolver,
  type RunLimits,
  type Tool,
  type ToolPort,
} from "../../src/engine/index.ts";
import type { BoundRequest, Reply } from "../../src/features/binding.ts";
import type { DebugCapture } from "../../src/features/debug/index.ts";
import { callbackCaller, type HookCallback, type WatchDirectory } from "../../src/features/hooks/index.ts";
import { Audit, createSynchronousSigner, type RingKeys } from "../../src/governance/audit/index.ts";
import { Credentials } from "../../src/governance/credentials.ts";
import { Redactor } from "../../src/governance/redaction/redactor.ts";
import type { MasterKey } from "../../src/governance/secrets/index.ts";
import { openBlobsDirectory } from "../../src/kernel/blobs-directory.ts";
import { type Clock, SimulatedClock } from "../../src/kernel/clock.ts";
import type { Log } from "../../src/kernel/log.ts";
import type { Random } from "../../src/kernel/random.ts";
import { openSqliteStore } from "../../src/kernel/sqlite/index.ts";
import { probeDirectory } from "../../src/kernel/storage-probe.ts";
import type { Store } from "../../src/kernel/store.ts";
import { createModels, loadRoutes } from "../../src/model/index.ts";

/** A whole daemon without its HTTP door: real store and engine, simulated clock and model, tools of the test's own. */
export interface Rig {
  clock: SimulatedClock;
  directory: string;
  /** Starts a daemon on the rig's data; `wrap` may put something between it and its store. */
  boot(options?: BootOptions): Promise<RiggedDaemon>;
  cleanup(): Promise<void>;
}

export interface BootOptions {
  wrap?: (store: Store) => Store;
  /** Shares another daemon's store, as the daemons on one PostgreSQL do; an SQLite file belongs to one process. */
  store?: Store;
  /** A clock that does not agree with the rig's. */
  clock?: Clock;
  /** In the simulator's place. */
  models?: ModelPort & RouteResolver;
  /** Lines are thrown away unless a test wants to read them. */
  log?: Log;
  /** Without one nothing can be kept secret. */
  masterKey?: MasterKey;
  limits?: Partial<RunLimits>;
  approvalTimeoutMs?: number;
  instanceId?: string;
  /** The library that skill tools of the rig read, and what is in it from the start. */
  skills?: NonNullable<World["skills"]>;
  /** What `callback` hooks call, by name. */
  callbacks?: Record<string, HookCallback>;
  /** What the system says of changes; a rig's paths are only looked at. */
  watchDirectory?: WatchDirectory;
  /** Of `serve --permission-mode`. */
  permissionMode?: PermissionMode;
  /** In place of the key that all rigged daemons share. */
  auditKeys?: RingKeys;
  /** What keeps debug evidence, made for this daemon's store. */
  debug?: (store: Store, level: () => DebugLevel) => DebugCapture;
  /** What runs commands in the background. */
  shells?: World["shells"];
  /** The text of a routes file, for a daemon that captures. */
  routes?: string;
}

export interface RiggedDaemon {
  daemon: Daemon;
  store: Store;
  call(endpoint: EndpointId, request?: CallOptions): Promise<{ status: number; json: JsonObject }>;
  /** Lets everything that can happen now happen; moves the clock only when nothing else can go on. */
  settle(): Promise<void>;
  runs(): Promise<RunView[]>;
  stop(): Promise<void>;
}

export interface CallOptions {
  params?: Record<string, string>;
  body?: object;
  query?: Record<string, string>;
  idempotencyKey?: string;
}

/** Beside no threads: a rig knows when nothing happens any more. */
const RIG_SIGNER = createSynchronousSigner(Buffer.alloc(32, 7));
/** Sessions that a rigged daemon drives at a time. */
export const CONCURRENCY = 64;
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const random: Random = { hex: (bytes) => randomBytes(bytes).toString("hex"), unit: () => 0.5 };

export async function createRig(toolsFor: (incarnation: number) => readonly Tool[]): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), "kheish-rig-"));
  const workspaceRoot = join(directory, "workspace");
  await mkdir(workspaceRoot);
  const clock = new SimulatedClock();
  const probing = { clock, random };
  const blobs = await openBlobsDirectory(join(directory, "blobs"), random);
  const noNetwork: typeof fetch = () => Promise.reject(new Error("a rigged daemon has no network"));
  const modelsWith = (more: { evidence?: DebugCapture }, file?: string) => {
    const routes = loadRoutes({ env: {}, ...(file === undefined ? {} : { file }) });
    return createModels({ routes, clock, random, blobs, fetch: noNetwork, ...more });
  };
  const models = modelsWith({});
  const opened: { store: Store; daemon: Daemon }[] = [];

  return {
    clock,
    directory,
    async boot(options = {}) {
      const inner = options.store ?? (await openSqliteStore({ path: join(directory, "kheish.db"), clock }));
      const store = options.wrap?.(inner) ?? inner;
      const ports = { store, clock: options.clock ?? clock, log: options.log ?? silent };
      const audit = new Audit({ ...ports, keys: options.auditKeys ?? { signer: RIG_SIGNER } });
      const debug = options.debug?.(store, () => daemon.debugLevel());
      const daemon: Daemon = compose(
        {
          ...ports,
          blobs,
          random,
          models:
            options.models ??
            (debug === undefined ? models : modelsWith({ evidence: debug }, options.routes)),
          tools: toolPort(toolsFor(opened.length)),
          audit,
          ...(options.shells === undefined ? {} : { shells: options.shells }),
          ...(options.watchDirectory === undefined ? {} : { watchDirectory: options.watchDirectory }),
          ...(options.skills === undefined ? {} : { skills: options.skills }),
          hooks: { callback: callbackCaller(new Map(Object.entries(options.callbacks ?? {}))) },
          credentials: new Credentials({
            store,
            audit: audit.ledger,
            clock,
            random,
            masterKey: options.masterKey,
            redactor: new Redactor(),
          }),
        },
        {
          instanceId: options.instanceId ?? "rig",
          workspaceRoot,
          stateRoot: directory,
          stateRootLock: { path: join(directory, "daemon.lock"), held: true, mechanism: "test" },
          limits: { ...DEFAULT_RUN_LIMITS, ...options.limits },
          approvalTimeoutMs: options.approvalTimeoutMs ?? 0,
          eventHistoryCapacity: 2048,
          concurrency: CONCURRENCY,
          queuedLagThresholdMs: 1_800_000,
          staleThresholdMs: 1_800_000,
          processId: 1,
          controlPlane: async () => ({
            base_url: "http://127.0.0.1:1",
            bind_is_loopback: true,
            auth_enabled: false,
            read_only_token_enabled: false,
            cors_policy: "loopback",
            cors_allowed_origin_count: 0,
            externally_exposed_without_auth: false,
          }),
          probeStorage: async () => [
            await probeDirectory({ name: "workspace_root", path: workspaceRoot }, probing),
          ],
          ...(debug === undefined ? {} : { debug }),
          ...(options.permissionMode === undefined ? {} : { permissionMode: options.permissionMode }),
        },
      );
      opened.push({ store: inner, daemon });
      await daemon.start();
      const call: RiggedDaemon["call"] = (endpoint, request) => callBinding(daemon, endpoint, request);
      return {
        daemon,
        store: inner,
        call,
        settle: () => settle(inner, clock),
        runs: async () => (await call("listRuns")).json as unknown as RunView[],
        stop: async () => {
          const drained = daemon.drain(1_000);
          await pump(clock, drained);
        },
      };
    },
    async cleanup() {
      for (const { store, daemon } of opened) {
        await pump(clock, daemon.drain(10)).catch(() => undefined);
        await store.close().catch(() => undefined);
      }
      // A daemon that was left behind may still be writing.
      await rm(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

function toolPort(tools: readonly Tool[]): ToolPort {
  return { all: () => tools, get: (name) => tools.find((tool) => tool.name === name) };
}

async function callBinding(daemon: Daemon, endpoint: EndpointId, options: CallOptions = {}) {
  const binding = daemon.bindings.find((one) => one.endpoint === endpoint);
  if (binding === undefined) throw new Error(`no binding for ${endpoint}`);
  const request = {
    params: options.params ?? {},
    query: options.query ?? {},
    body: options.body,
    principal: { id: "test", access: "admin" },
    requestId: "req_test",
    signal: new AbortController().signal,
    ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
  } as unknown as BoundRequest;
  const reply: Reply = await binding.handle(request);
  return { status: reply.status, json: ("json" in reply ? reply.json : {}) as JsonObject };
}

/** Event-loop turns without any change after which only the clock can move things. */
const QUIET_TURNS = 30;
const STEP_MS = 250;
const MOST_STEPS = 4_000;

async function settle(store: Store, clock: SimulatedClock): Promise<void> {
  for (let step = 0; step < MOST_STEPS; step++) {
    await quiesce(store);
    const busy = await Promise.all(
      ["queued", "running"].map((status) => store.count("run", { index: "status", prefix: [status] })),
    );
    const [queued = 0, running = 0] = busy;
    const parked =
      (await store.count("approval", { index: "pending" })) +
      (await store.count("question", { index: "pending" }));
    if (running === 0 && (queued === 0 || parked > 0)) return;
    await clock.advance(STEP_MS);
  }
  throw new Error("the daemon did not settle");
}

async function quiesce(store: Store): Promise<void> {
  let head = await store.head();
  for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
    await new Promise((resolve) => setImmediate(resolve));
    const now = await store.head();
    if (now !== head) quiet = 0;
    head = now;
  }
}

async function pump(clock: SimulatedClock, work: Promise<void>): Promise<void> {
  let done = false;
  const finished = work.finally(() => {
    done = true;
  });
  while (!done) {
    await clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await finished;
}
