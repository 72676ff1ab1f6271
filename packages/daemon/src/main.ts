import { lookup } from "node:dns/promises";
import { existsSync } from "node:fs";
import { realpath, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { unescape as percentDecoded } from "node:querystring";
import { fileURLToPath } from "node:url";
import { archiveOf } from "./archives.ts";
import { compose, type Daemon, ownerOf } from "./compose.ts";
import {
  DEFAULT_RUN_LIMITS,
  JUDGE_QUEUE,
  type RunLimits,
  SESSION_QUEUE,
  TIMER_QUEUE,
  type Tool,
} from "./engine/index.ts";
import { isHeldCopy } from "./features/backup/index.ts";
import { DebugCapture, debugPolicy } from "./features/debug/index.ts";
import { docsBindings, docsIn } from "./features/docs/index.ts";
import {
  callbackCaller,
  commandCaller,
  HOOK_QUEUE,
  httpCaller,
  watchDirectory,
} from "./features/hooks/index.ts";
import { LogFile, LogRing, logBindings } from "./features/logs/index.ts";
import { MetricsService, metricsBindings } from "./features/metrics/index.ts";
import { loadSkills } from "./features/skills/index.ts";
import {
  otlpExport,
  Tracing,
  TracingUnavailable,
  tracedStore,
  tracingWanted,
} from "./features/tracing/index.ts";
import { Accounts } from "./governance/accounts/accounts.ts";
import { settledLogins, takeOverLogins } from "./governance/accounts/route-logins.ts";
import { AuditKeyError, auditedFetch } from "./governance/audit/index.ts";
import { routeCredentials } from "./governance/broker/route-credentials.ts";
import type { Network } from "./governance/outbound/guarded-fetch.ts";
import { networkAllow } from "./governance/outbound/network-allow.ts";
import { sameOriginFetch } from "./governance/outbound/same-origin.ts";
import { redactedModels } from "./governance/redaction/redacted-models.ts";
import { redactedTools } from "./governance/redaction/redacted-tools.ts";
import { Redactor } from "./governance/redaction/redactor.ts";
import { openBlobsDirectory } from "./kernel/blobs-directory.ts";
import { systemClock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";
import { packageFile } from "./kernel/package.ts";
import { systemRandom } from "./kernel/random.ts";
import { openStateRoot, type StateRoot } from "./kernel/state-root.ts";
import { probeDirectory } from "./kernel/storage-probe.ts";
import { type Store, StoreError } from "./kernel/store.ts";
import {
  checkAuthRefs,
  checkedLoader,
  createModels,
  RouteConfigError,
  type RouteSet,
  routeLoader,
  withCatalogue,
} from "./model/index.ts";
import { createMasterKey, type Env, openCredentials, openStore, readText } from "./opening.ts";
import { openAudit } from "./opening-audit.ts";
import { openMcp } from "./opening-mcp.ts";
import { openShells, secretFilesOf } from "./shells.ts";
import type { ServeOptions } from "./surface/cli/serve-options.ts";
import { packageVersion } from "./surface/cli/version.ts";
import { ControlPlaneAudit } from "./surface/control-plane-audit.ts";
import {
  type AuthSettings,
  checkHttpSettings,
  consoleIn,
  controlPlaneStatus,
  type HttpOptions,
  type HttpServer,
  ServeConfigError,
  startHttpServer,
} from "./surface/http/index.ts";
import { createLog } from "./surface/log.ts";
import { childEnvironment } from "./tools/bash/environment.ts";
import { startShell } from "./tools/bash/shell.ts";
import { createBuiltinTools, toolPort } from "./tools/index.ts";
import { SandboxUnavailable } from "./tools/sandbox/open.ts";
import { SkillLibrary, skillTools } from "./tools/skills/index.ts";
import { webTools } from "./tools/web/index.ts";

export interface RunningDaemon {
  baseUrl: string;
  /** Resolves when the daemon has stopped. */
  closed: Promise<void>;
  /** Readiness turns false, runs checkpoint, everything closes; twice is once. */
  stop(reason: string): Promise<void>;
}

/** Everything that may keep a daemon from starting, as one sentence for its operator. */
export class StartError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StartError";
  }
}

/** A SIGTERM is over within two seconds, also with a tool or a client that does not listen. */
const DRAIN_MS = 1_300;
const CLOSE_MS = 400;
/** What a collector gets to take the last traces. */
const TRACES_MS = 100;
const CONCURRENCY = 256;
const THIRTY_MINUTES_MS = 30 * 60_000;
const ONE_DAY_MS = 24 * 60 * 60_000;

/**
 * Opens the world, composes the daemon, opens its doors. Rejects with `StartError`, and then nothing is left open.
 * `extraTools` stand beside the built-in ones.
 */
export async function serve(
  options: ServeOptions,
  env: Env = process.env,
  extraTools: readonly Tool[] = [],
): Promise<RunningDaemon> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    return await open(options, env, extraTools, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw startError(error);
  }
}

async function open(
  options: ServeOptions,
  env: Env,
  extraTools: readonly Tool[],
  undo: (() => Promise<unknown>)[],
): Promise<RunningDaemon> {
  const format =
    options.logFormat === "auto" ? (process.stderr.isTTY ? "pretty" : "json") : options.logFormat;
  const redactor = new Redactor();
  const logs = new LogRing();
  const log = createLog({
    level: options.logLevel,
    format,
    write: (line) => process.stderr.write(line),
    redact: (line) => redactor.jsonLine(line),
    keep: (line) => logs.add(line),
  });
  redactor.hold("http-tokens", [options.adminToken, options.readonlyToken]);
  redactor.hold("store", passwordsIn(options.store));
  const auth = authSettings(options);
  const cors = {
    allowedOrigins: options.corsAllowOrigins,
    hostedOrigins: options.corsAllowHostedOrigins ?? [],
  };
  checkHttpSettings({ bind: options.bind, auth, cors, trustedProxies: options.trustedProxies ?? [] });
  const workspaceRoot = await workspace(options.workspaceRoot);
  const stateRoot = await lockedStateRoot(options, log);
  undo.push(() => stateRoot.release());
  const { file: logFile, kept } = await LogFile.open(stateRoot.path);
  undo.push(() => logFile.close());
  logs.goOn(kept, (place, line) => logFile.write(place, line));
  const openedStore = await openStore(options.store, stateRoot.path);
  undo.push(() => openedStore.close());
  const metrics = new MetricsService({
    now: () => performance.now(),
    build: {
      version: packageVersion(),
      engine: openedStore.engine,
      schema_version: String(openedStore.schemaVersion),
    },
  });
  const tracing = await openTracing(options, env, {
    store: openedStore,
    instanceId: stateRoot.instanceId,
    log,
  });
  const store = metrics.store(tracing === undefined ? openedStore : tracedStore(openedStore, tracing));
  const refusals = await ControlPlaneAudit.open(stateRoot.path, log);
  undo.push(() => refusals.close());
  const blobs = await openBlobsDirectory(join(stateRoot.path, "blobs"), systemRandom);

  // 02-R96: the lock, then the auth store, then the routes, which may name its slots.
  const isCopy = await isHeldCopy(store);
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const audit = await openAudit({
    store,
    stateRoot: stateRoot.path,
    env,
    isHeldCopy: isCopy,
    releasesCopy: options.resumeRestored === true,
    log,
    warn,
    redactor,
  });
  if (options.createMasterKey === true) await createMasterKey(stateRoot.path, env, store);
  const credentials = await openCredentials(
    { store, audit: audit.ledger },
    stateRoot.path,
    env,
    log,
    redactor,
  );

  const providerEnv = await settledLogins({
    vault: credentials.vault,
    env: { ...env, ...options.providerEnv },
    readFile: readText,
  });
  const configured = sameOriginFetch(globalThis.fetch);
  const loader = routeLoader({
    env: providerEnv,
    noSimulator: options.noSimulator,
    allowEmpty: options.allowEmptyRoutes ?? false,
    readFile: readText,
    enrich: (set) =>
      withCatalogue(set, {
        env: providerEnv,
        fetch: auditedFetch(audit.ledger, "route_discovery", configured),
        clock: systemClock,
        onFailure: (url, reason) => log.warn({ url, reason }, "OpenRouter's models are not known"),
      }),
    ...(options.defaultRoute === undefined ? {} : { defaultRoute: options.defaultRoute }),
    ...(options.routesFile === undefined ? {} : { path: await routesFile(options.routesFile) }),
  });
  const loaded = await loader.load();
  const accounts = new Accounts({
    store,
    vault: credentials.vault,
    clock: systemClock,
    fetch: auditedFetch(audit.ledger, "token_refresh", configured),
    log,
    owner: ownerOf(stateRoot.instanceId),
  });

  const admit = async ({ configured }: RouteSet) => {
    await takeOverLogins(configured, { vault: credentials.vault, env: providerEnv, readFile: readText });
    // 02-R25: routes may come later, and so may their slots, where a daemon may be empty.
    if (options.allowEmptyRoutes !== true)
      checkAuthRefs(configured, (slotId) => credentials.vault.status(slotId));
    for (const { route_id, credential } of configured) {
      if (credential.kind === "key") redactor.hold(`route:${route_id}`, [credential.secret.reveal()]);
    }
  };
  await admit(loaded.set);
  const debug = new DebugCapture({
    store,
    clock: systemClock,
    random: systemRandom,
    log,
    redactor,
    policy: debugPolicy((variable, fallback) => wholeNumber(env, variable, fallback)),
    key: textSource(env, "KHEISH_DEBUG_CAPTURE_KEY"),
    redactTokens: textSource(env, "KHEISH_DEBUG_REDACT_TOKENS"),
    level: () => daemon.debugLevel(),
  });
  const opened = redactedModels(
    createModels({
      evidence: debug,
      routes: loaded.set,
      credentials: routeCredentials(credentials, accounts, log),
      redact: (text) => redactor.foreignText(text),
      clock: systemClock,
      random: systemRandom,
      fetch: configured,
      blobs,
      onWarning: (warning) => log.debug({ ...warning }, "a provider ignored a setting"),
    }),
    redactor,
  );
  const models = metrics.models(opened);
  const {
    shells,
    sandbox,
    status: sandboxStatus,
  } = await openShells(
    {
      mode: options.sandbox ?? "auto",
      writable: options.sandboxWrite ?? [],
      stateRoot: stateRoot.path,
      workspaceRoot,
      secretFiles: secretFilesOf(env, [
        options.adminTokenFile,
        options.readonlyTokenFile,
        options.mcp?.credentialsFile,
      ]),
      maxMs: wholeNumber(env, "KHEISH_BACKGROUND_COMMAND_MAX_MS", ONE_DAY_MS),
    },
    env,
  );
  const builtin = createBuiltinTools({
    hostEnv: env,
    commands: shells.launcher,
    held: shells.held,
    includeNoop: !options.noSimulator,
  });
  const network: Network = {
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  };
  const web = webTools({
    network,
    allow: networkAllow(options.networkAllow ?? []),
    record: (action) => audit.ledger.record(action),
    userAgent: `kheish/${packageVersion()}`,
    models,
    localSearch: options.webSearch ?? "duckduckgo",
  });
  const mcp = openMcp({
    settings: options.mcp,
    env,
    workspaceRoot,
    credentials,
    accounts,
    audit: audit.ledger,
    redactor,
    log,
    sandbox,
  });
  const library = new SkillLibrary();
  const skills = {
    library,
    load: () =>
      loadSkills(
        {
          explicit: [],
          discover: false,
          lockKeyFiles: [],
          ...options.skills,
          workspaceRoot,
          home: env.HOME,
          builtIn: fileURLToPath(packageFile("skills")),
        },
        readText,
      ),
  };
  const own = toolPort([...builtin.all(), ...web, ...skillTools(library), ...extraTools]);
  const tools = metrics.tools(redactedTools(mcp.servers.beside(own), redactor));

  let baseUrl = "";
  const daemon = compose(
    {
      store,
      blobs,
      clock: systemClock,
      random: systemRandom,
      models,
      routes: { loaded, loader: checkedLoader(loader, admit), env: providerEnv },
      tools,
      mcp,
      skills,
      audit,
      shells,
      hooks: {
        command: commandCaller({
          start: startShell,
          childEnv: childEnvironment(env),
          cwd: workspaceRoot,
          clock: systemClock,
        }),
        http: httpCaller({ clock: systemClock, network }),
        callback: callbackCaller(new Map()),
      },
      watchDirectory,
      log,
      credentials,
      accounts,
    },
    {
      instanceId: stateRoot.instanceId,
      workspaceRoot,
      stateRoot: stateRoot.path,
      stateRootLock: stateRoot.lock,
      limits: runLimits(env, log),
      approvalTimeoutMs: options.approvalTimeoutMs,
      eventHistoryCapacity: options.eventHistoryCapacity,
      concurrency: CONCURRENCY,
      queuedLagThresholdMs: wholeNumber(env, "KHEISH_QUEUED_RUN_LAG_WARNING_THRESHOLD_MS", THIRTY_MINUTES_MS),
      staleThresholdMs: wholeNumber(env, "KHEISH_STALE_NON_TERMINAL_RUN_THRESHOLD_MS", THIRTY_MINUTES_MS),
      processId: process.pid,
      releaseRestoredCopy: options.resumeRestored === true,
      archive: () =>
        archiveOf(
          { stateRoot: stateRoot.path, store: options.store },
          { instanceId: stateRoot.instanceId, blobs, includeKeys: false },
        ),
      controlPlane: async () => ({
        ...(await controlPlaneStatus({ bind: options.bind, baseUrl, auth, cors, readFile: readText })),
      }),
      debug,
      sandbox: sandboxStatus,
      probeStorage: () =>
        Promise.all(
          [
            { name: "state_root", path: stateRoot.path },
            { name: "workspace_root", path: workspaceRoot },
          ].map((root) => probeDirectory(root, { clock: systemClock, random: systemRandom })),
        ),
      ...(options.permissionMode === undefined ? {} : { permissionMode: options.permissionMode }),
      ...(options.modelBudget === undefined ? {} : { modelBudget: options.modelBudget }),
    },
  );
  await daemon.start();
  undo.push(() => daemon.drain(DRAIN_MS));
  const http = await startHttpServer({
    bind: options.bind,
    bindings: [
      ...daemon.bindings,
      ...logBindings(logs),
      ...docsBindings(docsIn(published("docs", "../../docs"))),
      ...metricsBindings(metrics, {
        store,
        clock: systemClock,
        status: daemon.status,
        routes: () => models.readiness(),
        queues: [SESSION_QUEUE, JUDGE_QUEUE, TIMER_QUEUE, HOOK_QUEUE],
        diskUsedRatio: () => diskUsedRatio(stateRoot.path),
      }),
    ],
    onAnswer: (answer) => metrics.request(answer),
    console: consoleIn(published("console", "../console/dist")),
    auth,
    cors,
    readFile: async (path) => {
      const text = await readText(path);
      redactor.hold(`file:${path}`, [text]);
      return text;
    },
    redact: (value) => redactor.json(value),
    logger: log,
    clock: systemClock,
    random: systemRandom,
    version: packageVersion(),
    readiness: daemon.isReady,
    namedTokens: daemon.namedTokens,
    browserSessions: daemon.browserSessions,
    onSecurityEvent: (event) => refusals.record(event),
    ...httpLimits(options),
  });
  baseUrl = http.baseUrl;
  const [route] = models.routes();
  log.info(
    {
      base_url: baseUrl,
      console: `${baseUrl}/`,
      store: store.engine,
      state_root: stateRoot.path,
      route: route?.route_id,
    },
    "kheish is ready",
  );
  for (const warning of warnings) log.warn({}, warning);
  if (route === undefined) {
    log.warn({}, "there is no route to a model yet: add one with 'kheish runtime routes add'");
  }
  if (route?.provider === "simulator") {
    log.info({}, "no provider key found: the default route is the simulator, which answers without a model");
  }
  const closers = [
    async () => tracing?.close(TRACES_MS),
    () => refusals.close(),
    () => store.close(),
    () => logFile.close(),
    () => stateRoot.release(),
  ];
  return running(baseUrl, daemon, http, closers, log);
}

/** In the published package a folder of its own, in a checkout where it is written or built. */
function published(name: string, inCheckout: string): string {
  const own = fileURLToPath(packageFile(name));
  return existsSync(own) ? own : fileURLToPath(packageFile(inCheckout));
}

function running(
  baseUrl: string,
  daemon: Daemon,
  http: HttpServer,
  closers: (() => Promise<unknown>)[],
  log: Log,
): RunningDaemon {
  const done = Promise.withResolvers<void>();
  let stopping: Promise<void> | undefined;
  const stop = async (reason: string) => {
    log.info({ reason }, "draining");
    // The door stays open while runs come to rest, so that probes read 503 and not a refused connection (01-R99).
    await daemon.drain(DRAIN_MS);
    await http.drain(CLOSE_MS);
    for (const close of closers) await close();
    log.info({}, "stopped");
    done.resolve();
  };
  return {
    baseUrl,
    closed: done.promise,
    stop(reason) {
      stopping ??= stop(reason);
      return stopping;
    },
  };
}

/** Traces that were asked for and cannot be had keep a daemon from starting; those a variable implies do not. */
async function openTracing(
  options: ServeOptions,
  env: Env,
  { store, instanceId, log }: { store: Store; instanceId: string; log: Log },
): Promise<Tracing | undefined> {
  const wanted = tracingWanted(options.otel === true, env);
  if (wanted === undefined) return undefined;
  try {
    const exporter = await otlpExport({ version: packageVersion(), instanceId });
    return new Tracing({ store, exporter, log, clock: systemClock });
  } catch (error) {
    if (wanted === "flag" || !(error instanceof TracingUnavailable)) throw error;
    log.warn({}, `OTEL_* names a collector, but ${error.message}`);
    return undefined;
  }
}

async function diskUsedRatio(path: string): Promise<number> {
  const { blocks, bavail } = await statfs(path);
  return blocks === 0 ? 0 : 1 - bavail / blocks;
}

function authSettings(options: ServeOptions): AuthSettings {
  return {
    mode: options.httpAuthMode,
    ...(options.adminToken === undefined ? {} : { adminToken: options.adminToken }),
    ...(options.adminTokenFile === undefined ? {} : { adminTokenFile: options.adminTokenFile }),
    ...(options.readonlyToken === undefined ? {} : { readOnlyToken: options.readonlyToken }),
    ...(options.readonlyTokenFile === undefined ? {} : { readOnlyTokenFile: options.readonlyTokenFile }),
  };
}

function httpLimits(options: ServeOptions): Partial<HttpOptions> {
  const { maxBodyBytes, maxStreams, maxStreamsPerPrincipal, requestsPerMinute, trustedProxies } = options;
  return {
    ...(maxBodyBytes === undefined ? {} : { bodyLimitBytes: maxBodyBytes }),
    ...(maxStreams === undefined ? {} : { maxStreams }),
    ...(maxStreamsPerPrincipal === undefined ? {} : { maxStreamsPerPrincipal }),
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
  };
}

async function workspace(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new StartError(`--workspace-root ${path} is not a directory`);
  return realpath(path);
}

/** Its canonical path. */
async function routesFile(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw new StartError(`cannot read the routes file ${path}`, { cause: error });
  }
}

/** The password of a database's URL, as it stands there and as it is. */
function passwordsIn(store: string): string[] {
  const password = URL.canParse(store) ? new URL(store).password : "";
  return password === "" ? [] : [password, percentDecoded(password)];
}

/** A daemon that replaces another meets the end of its drain. Nothing else keeps this process alive meanwhile. */
async function lockedStateRoot({ stateRoot, lockWaitMs = 0 }: ServeOptions, log: Log): Promise<StateRoot> {
  const alive = setInterval(() => undefined, lockWaitMs + 1_000);
  try {
    return await openStateRoot(stateRoot, systemRandom, {
      clock: systemClock,
      waitMs: lockWaitMs,
      onWait: (why) => log.info({ wait_ms: lockWaitMs }, `waiting for the state root: ${why}`),
    });
  } finally {
    clearInterval(alive);
  }
}

/** 01-R87: a run without a ceiling may spend without end, so the operator hears of it. */
function runLimits(env: Env, log: Log): RunLimits {
  const maxTurns = wholeNumber(env, "KHEISH_AGENT_MAX_TURNS", DEFAULT_RUN_LIMITS.maxTurns);
  if (maxTurns === 0)
    log.warn({}, "KHEISH_AGENT_MAX_TURNS=0: RUNS HAVE NO TURN LIMIT and may spend without end");
  return { ...DEFAULT_RUN_LIMITS, maxTurns };
}

/** A text that stands in a variable, or in the file that the other one names. */
function textSource(env: Env, name: string) {
  return { inline: env[name], file: env[`${name}_FILE`], readFile: readText };
}

function wholeNumber(env: Env, name: string, fallback: number): number {
  const text = env[name]?.trim();
  if (text === undefined || text === "") return fallback;
  if (!/^\d{1,15}$/.test(text)) throw new StartError(`${name} must be a whole number, not '${text}'`);
  return Number(text);
}

function startError(error: unknown): StartError {
  if (error instanceof StartError) return error;
  if (isForOperators(error)) {
    return new StartError(error.message, { cause: error });
  }
  return new StartError(error instanceof Error ? error.message : String(error), { cause: error });
}

function isForOperators(error: unknown): error is Error {
  return [StoreError, RouteConfigError, ServeConfigError, AuditKeyError, SandboxUnavailable].some(
    (kind) => error instanceof kind,
  );
}
