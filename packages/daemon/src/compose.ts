import type {
  BudgetLimits,
  DaemonStatusView,
  DebugLevel,
  PermissionMode,
  SandboxStatus,
} from "@kheish/contract";
import {
  BUDGET_STREAM,
  BudgetBook,
  type CommandDeps,
  createTimers,
  Executor,
  KnownSessions,
  keepModelBudget,
  type LoopDeps,
  type ModelPort,
  type PricePort,
  type RouteResolver,
  RULE_STREAM,
  RuleBook,
  type RunLimits,
  read,
  rearmGoals,
  recorded,
  StateCache,
  type ToolPort,
} from "./engine/index.ts";
import { AccountService, accountBindings } from "./features/accounts/index.ts";
import { approvalBindings } from "./features/approvals/index.ts";
import { auditBindings } from "./features/audit/index.ts";
import {
  type ArchiveOf,
  BackupService,
  backupBindings,
  isHeldCopy,
  releaseCopy,
} from "./features/backup/index.ts";
import type { Binding } from "./features/binding.ts";
import { BrowserSessionService, browserSessionBindings } from "./features/browser-sessions/index.ts";
import { budgetBindings, budgetsStatus } from "./features/budgets/index.ts";
import { contractBindings } from "./features/contracts/index.ts";
import {
  type DebugCapture,
  DebugEvidence,
  DebugRetention,
  debugBindings,
  debugPolicy,
} from "./features/debug/index.ts";
import { EventStreams, eventBindings, NewestShown, RUNTIME_STREAM } from "./features/events/index.ts";
import { goalBindings } from "./features/goals/index.ts";
import {
  agentCaller,
  auditedCallers,
  FileWatches,
  type HookCallers,
  HookDeadLetters,
  HookRunner,
  HookWatchers,
  hookBindings,
  hooksStatus,
  promptCaller,
  type WatchDirectory,
} from "./features/hooks/index.ts";
import { type LoadedMcp, McpService, mcpBindings } from "./features/mcp/index.ts";
import { ruleBindings } from "./features/permission-rules/index.ts";
import { QuestionService, questionBindings } from "./features/questions/index.ts";
import { RouteService, routeBindings, vaultSlots } from "./features/routes/index.ts";
import { RunPrompts, RunService, runBindings, WaitForRun } from "./features/runs/index.ts";
import {
  PermissionExplainer,
  permissionBindings,
  RuntimeSettings,
  StatusService,
  type StatusSources,
  StorageStatus,
  settingsBindings,
  statusBindings,
} from "./features/runtime/index.ts";
import { secretBindings } from "./features/secrets/index.ts";
import { SessionService, sessionBindings } from "./features/sessions/index.ts";
import {
  type LoadedSkills,
  NO_SKILLS,
  SessionSkills,
  SkillService,
  skillBindings,
} from "./features/skills/index.ts";
import {
  ShellHost,
  TaskNotices,
  type TaskOutputs,
  TaskService,
  taskBindings,
} from "./features/tasks/index.ts";
import { TokenService, tokenBindings } from "./features/tokens/index.ts";
import type { Accounts } from "./governance/accounts/accounts.ts";
import type { Audit } from "./governance/audit/index.ts";
import type { Credentials } from "./governance/credentials.ts";
import { createAuthority } from "./governance/permissions.ts";
import { checkAnswers, renderAnswer } from "./governance/questions.ts";
import type { Blobs } from "./kernel/blobs.ts";
import { type Clock, sleep } from "./kernel/clock.ts";
import { KeyedMutex } from "./kernel/keyed-mutex.ts";
import type { Log } from "./kernel/log.ts";
import type { Random } from "./kernel/random.ts";
import type { StorageProbe } from "./kernel/storage-probe.ts";
import type { Store } from "./kernel/store.ts";
import { JournalTail } from "./kernel/tail.ts";
import { type Env, LiveRoutes, type LoadedRoutes, type RouteLoader } from "./model/index.ts";
import type { BrowserSessions, NamedTokens } from "./surface/http/index.ts";
import type { CommandLauncher, HeldCommands } from "./tools/bash/index.ts";
import type { McpServers } from "./tools/mcp/index.ts";
import type { ProcessTraces } from "./tools/process/traces.ts";
import { SkillLibrary } from "./tools/skills/index.ts";

/** Everything a daemon is made of that touches the world. The simulation brings its own. */
export interface World {
  store: Store;
  blobs: Blobs;
  clock: Clock;
  random: Random;
  models: ModelPort & RouteResolver & { live?: LiveRoutes };
  /** Where the routes came from; absent where they cannot be read again. */
  routes?: { loaded: LoadedRoutes; loader: RouteLoader; env: Env };
  tools: ToolPort;
  /** The MCP servers whose tools are among `tools`, and how to read which there should be; absent: there are none. */
  mcp?: { servers: McpServers; load: () => Promise<LoadedMcp> };
  /** The library that skill tools among `tools` read, and how to look through folders; absent: no folders. */
  skills?: { library: SkillLibrary; load: () => Promise<LoadedSkills> };
  audit: Audit;
  /** What commands in the background are run with; absent: there are none. */
  shells?: {
    launcher: CommandLauncher;
    held: HeldCommands;
    outputs: TaskOutputs;
    traces: ProcessTraces;
    /** The longest that one may run. */
    maxMs: number;
  };
  /** How hooks outside of the engine are called; a kind that is left out fails. */
  hooks?: Pick<HookCallers, "command" | "http" | "callback">;
  /** What the system says of changes in a directory; absent: paths that hooks watch are only looked at. */
  watchDirectory?: WatchDirectory;
  log: Log;
  credentials: Credentials;
  /** Absent where no account can be refreshed: its endpoints are not there either. */
  accounts?: Accounts;
}

export interface DaemonSettings {
  /** Owner of leases and claims; stable for one state root. */
  instanceId: string;
  workspaceRoot: string;
  stateRoot: string;
  stateRootLock: StatusSources["stateRootLock"];
  limits: RunLimits;
  permissionMode?: PermissionMode;
  /** What the daemon may use in all, as it was told at its start (02-A6). */
  modelBudget?: BudgetLimits;
  approvalTimeoutMs: number;
  eventHistoryCapacity: number;
  /** Sessions driven at one time. */
  concurrency: number;
  queuedLagThresholdMs: number;
  staleThresholdMs: number;
  processId: number;
  controlPlane: StatusSources["controlPlane"];
  /** What keeps debug evidence. Absent: this daemon keeps none. */
  debug?: DebugCapture;
  /** What keeps commands apart from the machine. */
  sandbox?: SandboxStatus;
  /** Whether the daemon's directories can be written to (02-R98). */
  probeStorage: () => Promise<StorageProbe[]>;
  /** A store that came out of a backup may act from now on; see `isHeldCopy`. */
  releaseRestoredCopy?: boolean;
  /** What a backup is made of. Absent: this daemon makes none. */
  archive?: () => Promise<ArchiveOf>;
}

/** A daemon without its doors: the services, their bindings and the workers behind them. */
export interface Daemon {
  bindings: Binding[];
  /** For whoever guards the doors. */
  namedTokens: NamedTokens;
  browserSessions: BrowserSessions;
  status: () => Promise<DaemonStatusView>;
  /** What is captured of the runs that begin now. */
  debugLevel: () => DebugLevel;
  /** False from the moment a drain begins. */
  isReady: () => boolean;
  start(): Promise<void>;
  /** Checkpoint and stop: nothing new begins, what runs gets until the deadline. */
  drain(deadlineMs: number): Promise<void>;
}

/** What servers get to end by themselves. */
const MCP_STOP_MS = 500;
/** What the last anchor of the audit gets when the daemon stops; the next daemon makes it otherwise. */
const AUDIT_STOP_MS = 100;

/** Who holds this daemon's leases and claims. */
export function ownerOf(instanceId: string): string {
  return `daemon-${instanceId}`;
}

/** Puts the parts together, by hand. */
export function compose(world: World, settings: DaemonSettings): Daemon {
  const { store, blobs, clock, random, models, tools, audit, log, credentials } = world;
  const owner = ownerOf(settings.instanceId);
  const mutex = new KeyedMutex();
  const known = new KnownSessions();
  let ready = false;
  let holding = false;

  const tail = new JournalTail({
    store,
    clock,
    capacity: settings.eventHistoryCapacity,
    onError: (error) => log.error({ err: String(error) }, "reading the journal failed"),
  });
  const mcp =
    world.mcp === undefined
      ? undefined
      : new McpService({ store, clock, blobs, log, audit: audit.ledger, ...world.mcp });
  const skillWorld = world.skills ?? { library: new SkillLibrary(), load: async () => NO_SKILLS };
  const skills = new SkillService({ store, clock, log, audit: audit.ledger, ...skillWorld });
  const runtime = new RuntimeSettings({
    skills: () => skills.snapshot(),
    ...(mcp === undefined ? {} : { mcp: () => mcp.snapshot() }),
    store,
    clock,
    audit: audit.ledger,
    routes: models,
    workspaceRoot: settings.workspaceRoot,
    stateRoot: settings.stateRoot,
    debug: settings.debug,
    hooks: () => hooks,
  });
  const wait = new WaitForRun(store, tail);
  const judges = { commands: () => commands, wait };
  const deadLetters = new HookDeadLetters({ store, clock, random });
  const watches = new FileWatches({
    store,
    clock,
    log,
    workspaceRoot: settings.workspaceRoot,
    hooks: () => hooks,
    watchDirectory: world.watchDirectory,
  });
  const hooks = new HookRunner({
    store,
    clock,
    random,
    log,
    deadLetters,
    redactor: credentials.redactor,
    settings: () => runtime.now.hooks,
    watches,
    onAnnounce: () => watchers.look(),
    callers: auditedCallers(audit.ledger, {
      ...world.hooks,
      prompt: promptCaller(judges),
      agent: agentCaller(judges),
    }),
  });
  const watchers = new HookWatchers({ store, clock, log, owner, runner: hooks });
  const frames = { store, runtime: () => skills.settled(() => runtime.settled(() => runtime.view())) };
  const streams = new EventStreams(frames, tail);
  const newestShown = new NewestShown(frames, tail);
  const { routes } = runtime;
  const authority = createAuthority();

  const rules = new RuleBook(store);
  const budgets = new BudgetBook(store);
  const prices: PricePort = {
    priceOf: (route, model, usage) => models.priceOf(route, model, usage),
  };

  const { shells } = world;
  const tasks = new TaskService({
    commands: () => commands,
    tail,
    ...(shells === undefined
      ? {}
      : { shells: { countsOf: (id) => host?.countsOf(id), outputs: shells.outputs } }),
  });
  const loop: LoopDeps = {
    store,
    clock,
    blobs,
    mutex,
    model: models,
    routes,
    budgets,
    prices,
    tools,
    tasks,
    ...(shells === undefined ? {} : { shells: { host: owner, maxMs: shells.maxMs } }),
    skills: skillWorld.library,
    authority,
    audit: audit.ledger,
    rules,
    hooks,
    log,
    limits: settings.limits,
    toolLimits: () => runtime.toolLimits,
    states: new StateCache(),
    known,
    workspaceRoot: settings.workspaceRoot,
    approvalTimeoutMs: settings.approvalTimeoutMs,
    permissionMode: () => runtime.permissionMode,
    systemPrompt: () => runtime.systemPrompt,
    onDelta: (delta) => streams.publishDelta(delta),
  };
  const executor = new Executor({ ...loop, owner, concurrency: settings.concurrency });
  const commands: CommandDeps = {
    store,
    clock,
    random,
    blobs,
    mutex,
    known,
    starter: executor.starter,
    routes,
    budgets,
    prices,
    tools,
    questions: { check: checkAnswers, render: renderAnswer },
    audit: audit.ledger,
    authority,
    rules,
    workspaceRoot: settings.workspaceRoot,
    hooks,
    approvalTimeoutMs: settings.approvalTimeoutMs,
    abortRun: (runId) => executor.abortRun(runId),
  };
  const host = shells === undefined ? undefined : new ShellHost({ commands, blobs, log, owner, ...shells });
  const notices = new TaskNotices({ commands, tasks, log });
  const timers = createTimers({ ...commands, owner, log });

  // What another daemon decided reaches this one through the journal.
  tail.onEvent((stored) => {
    if (stored.stream === RUNTIME_STREAM) {
      runtime
        .refresh()
        .then(() => watchers.look())
        .catch((error: unknown) => log.error({ err: String(error) }, "reading settings failed"));
      routeService
        .refresh()
        .catch((error: unknown) => log.error({ err: String(error) }, "reading routes failed"));
      skills
        .heard(stored)
        .catch((error: unknown) => log.error({ err: String(error) }, "reading the skills failed"));
      mcp
        ?.refresh()
        .catch((error: unknown) => log.error({ err: String(error) }, "reading the MCP servers failed"));
    }
    tokens.heard(stored);
    watches.follow(stored);
    credentials.follow(stored).catch((error: unknown) => {
      log.error({ err: String(error) }, "a change of the auth store could not be taken over");
    });
    if (stored.stream === BUDGET_STREAM) budgets.outdate();
    if (stored.stream === RULE_STREAM) rules.outdate();
    host?.heard(stored);
    notices.heard(stored);
    const event = recorded(stored);
    if (event.type === "cancelled" || event.type === "interrupted") executor.abortRun(event.data.run_id);
  });

  const tokens = new TokenService({
    store,
    audit: audit.ledger,
    clock,
    random,
    log,
    redactor: credentials.redactor,
  });
  const browserSessions = new BrowserSessionService({ store, clock, random });
  const fixed: LoadedRoutes = { set: { configured: [] }, source: { kind: "serve_args" } };
  const routeService = new RouteService({
    store,
    audit: audit.ledger,
    clock,
    log,
    live: models.live ?? new LiveRoutes(fixed.set),
    resolver: routes,
    ...(world.routes ?? {
      loaded: fixed,
      loader: { load: async () => fixed, digest: async () => undefined },
      env: {},
    }),
    slots: vaultSlots(credentials.vault),
    runtimeView: () => runtime.view(),
  });
  const runs = new RunService(commands);
  const sessions = new SessionService(commands, wait);
  const questions = new QuestionService(commands);
  const status = new StatusService({
    store,
    clock,
    tail,
    routes,
    settings: runtime,
    audit: () => audit.status(),
    processId: settings.processId,
    isReady: () => ready,
    budgets: () => budgetsStatus(commands),
    tasks: () => tasks.status(),
    ...(settings.sandbox === undefined ? {} : { sandbox: settings.sandbox }),
    subscriberCount: () => streams.subscriberCount,
    newestEvent: () => newestShown.position(),
    controlPlane: settings.controlPlane,
    hooks: (configured) => hooksStatus(hooks, deadLetters, configured),
    storage: new StorageStatus(clock, settings.probeStorage),
    stateRootLock: settings.stateRootLock,
    authStore: () => credentials.vault.state,
    queuedLagThresholdMs: settings.queuedLagThresholdMs,
    staleThresholdMs: settings.staleThresholdMs,
    isHoldingStill: () => holding,
  });
  const { debug } = settings;
  const evidence = new DebugEvidence(store, debug?.keySource);
  const retention = new DebugRetention(
    { store, audit: audit.ledger, clock, log },
    debug?.policy ?? debugPolicy((_variable, fallback) => fallback),
  );
  const { archive } = settings;
  const backups =
    archive === undefined
      ? []
      : backupBindings(new BackupService({ audit: audit.ledger, clock, random, log, open: archive }));

  const permissions = new PermissionExplainer({
    store,
    clock,
    authority,
    rules,
    tools,
    permissionMode: loop.permissionMode,
    workspaceRoot: settings.workspaceRoot,
  });

  const stopCommands = async () => {
    await host?.stop();
    await notices.stop();
  };

  return {
    bindings: [
      ...sessionBindings(sessions),
      ...contractBindings(store, sessions),
      ...goalBindings(commands),
      ...budgetBindings(commands),
      ...runBindings(runs, new RunPrompts(loop)),
      ...debugBindings(evidence, retention),
      ...approvalBindings(commands, runs, sessions),
      ...questionBindings(commands, questions, runs, sessions),
      ...taskBindings(tasks),
      ...eventBindings(streams),
      ...settingsBindings(runtime),
      ...hookBindings(deadLetters),
      ...permissionBindings(permissions),
      ...ruleBindings(commands),
      ...statusBindings(status),
      ...tokenBindings(tokens),
      ...browserSessionBindings(browserSessions),
      ...routeBindings(routeService),
      ...(mcp === undefined ? [] : mcpBindings(mcp)),
      ...skillBindings(skills, new SessionSkills(commands, skillWorld.library)),
      ...secretBindings(credentials, (slotId) => [
        ...routeService.usersOf(slotId),
        ...(mcp?.usersOf(slotId) ?? []),
      ]),
      ...(world.accounts === undefined
        ? []
        : accountBindings(new AccountService(credentials.vault, world.accounts))),
      ...backups,
      ...auditBindings(commands, audit),
    ],
    namedTokens: {
      authenticate: (presented) => tokens.authenticate(presented),
      grantOf: (tokenId, sha256) => tokens.grantOf(tokenId, sha256),
      onRevoked: (listener) => tokens.onRevoked(listener),
      sessionOfRun: async (runId) => (await read(store, "run", runId))?.data.session_id,
    },
    browserSessions,
    status: () => status.status(),
    debugLevel: () => runtime.now.debug_level,
    isReady: () => ready,
    async start() {
      const isCopy = await isHeldCopy(store);
      holding = isCopy && settings.releaseRestoredCopy !== true;
      await audit.begin({ holds: holding });
      await debug?.refresh();
      await credentials.start();
      await routeService.refresh();
      await runtime.load(settings.permissionMode);
      await skills.start();
      await keepModelBudget(commands, settings.modelBudget);
      // The state root's lock proves that whoever held these before is dead.
      await store.commit([{ op: "release-owner", owner }]);
      await rearmGoals(store, clock.now());
      await tail.start();
      await audit.start(tail);
      // Last: a copy whose audit key was refused has not been released.
      if (isCopy && !holding) await releaseCopy({ store, clock, audit: audit.ledger });
      if (holding) {
        world.accounts?.holdStill();
        log.warn(
          {},
          "this store was restored from a backup: no run goes on before 'serve --resume-restored'",
        );
      } else {
        // Before any run goes on: a call of a tool that is not there yet would be refused.
        await mcp?.start().catch(async (error: unknown) => {
          tail.stop();
          await mcp.stop();
          throw error;
        });
        host?.start();
        await notices.start();
        timers.start();
        executor.start();
        if (debug !== undefined) retention.start();
        await watchers.start();
        await watches.start();
      }
      ready = true;
    },
    async drain(deadlineMs) {
      ready = false;
      retention.stop();
      await Promise.all([
        Promise.race([timers.stop(), sleep(clock, deadlineMs)]),
        Promise.race([watchers.stop(), sleep(clock, deadlineMs)]),
        Promise.race([stopCommands(), sleep(clock, deadlineMs)]),
        Promise.race([watches.stop(), sleep(clock, deadlineMs)]),
        executor.drain(deadlineMs),
      ]);
      if (mcp !== undefined) await Promise.race([mcp.stop(), sleep(clock, MCP_STOP_MS)]);
      await Promise.race([audit.stop(), sleep(clock, AUDIT_STOP_MS)]);
      tail.stop();
    },
  };
}
