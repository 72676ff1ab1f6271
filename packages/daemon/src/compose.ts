import { composeConfiguration } from "./compose/configuration.ts";
import { composeEngine } from "./compose/engine.ts";
import { hear } from "./compose/hear.ts";
import { composeHooks } from "./compose/hooks.ts";
import { Lifecycle } from "./compose/lifecycle.ts";
import type { Daemon, DaemonSettings, World } from "./compose/world.ts";
import { read } from "./engine/index.ts";
import { AccountService, accountBindings } from "./features/accounts/index.ts";
import { approvalBindings } from "./features/approvals/index.ts";
import { auditBindings } from "./features/audit/index.ts";
import { BackupService, backupBindings } from "./features/backup/index.ts";
import { BrowserSessionService, browserSessionBindings } from "./features/browser-sessions/index.ts";
import { budgetBindings, budgetsStatus } from "./features/budgets/index.ts";
import { contractBindings } from "./features/contracts/index.ts";
import { DebugEvidence, DebugRetention, debugBindings, debugPolicy } from "./features/debug/index.ts";
import { EventStreams, eventBindings, NewestShown } from "./features/events/index.ts";
import { goalBindings } from "./features/goals/index.ts";
import { hookBindings, hooksStatus } from "./features/hooks/index.ts";
import { mcpBindings } from "./features/mcp/index.ts";
import { ruleBindings } from "./features/permission-rules/index.ts";
import { QuestionService, questionBindings } from "./features/questions/index.ts";
import { routeBindings } from "./features/routes/index.ts";
import { RunPrompts, RunService, runBindings, WaitForRun } from "./features/runs/index.ts";
import {
  PermissionExplainer,
  permissionBindings,
  StatusService,
  StorageStatus,
  settingsBindings,
  statusBindings,
} from "./features/runtime/index.ts";
import { secretBindings } from "./features/secrets/index.ts";
import { SessionService, sessionBindings } from "./features/sessions/index.ts";
import { SessionSkills, skillBindings } from "./features/skills/index.ts";
import { taskBindings } from "./features/tasks/index.ts";
import { TokenService, tokenBindings } from "./features/tokens/index.ts";
import { JournalTail } from "./kernel/tail.ts";

export { type Daemon, type DaemonSettings, ownerOf, type World } from "./compose/world.ts";

/** Puts the parts together, by hand: the parts that act, then a service for each resource, then their endpoints. */
export function compose(world: World, settings: DaemonSettings): Daemon {
  const { store, clock, random, tools, audit, log, credentials, accounts } = world;
  const { workspaceRoot, debug, archive } = settings;
  const ports = { store, clock, random, log, audit: audit.ledger };

  const tail = new JournalTail({
    store,
    clock,
    capacity: settings.eventHistoryCapacity,
    onError: (error) => log.error({ err: String(error) }, "reading the journal failed"),
  });
  const configuration = composeConfiguration(world, settings, () => hooks.runner);
  const { runtime, routes, skills, library, mcp } = configuration;
  const wait = new WaitForRun(store, tail);
  const hooks = composeHooks(world, settings, runtime, { commands: () => commands, wait });
  const frames = { store, runtime: () => skills.settled(() => runtime.settled(() => runtime.view())) };
  const streams = new EventStreams(frames, tail);
  const newestShown = new NewestShown(frames, tail);
  const engine = composeEngine(world, settings, { tail, streams, configuration, hooks: hooks.runner });
  const { commands, loop, tasks } = engine;

  const tokens = new TokenService({ ...ports, redactor: credentials.redactor });
  hear(tail, { configuration, hooks, engine, tokens, credentials, log });

  const evidence = new DebugEvidence(store, debug?.keySource);
  const retention = new DebugRetention(
    ports,
    debug?.policy ?? debugPolicy((_variable, fallback) => fallback),
  );
  const lifecycle = new Lifecycle(world, settings, { tail, configuration, hooks, engine, retention });

  const browserSessions = new BrowserSessionService({ store, clock, random });
  const runs = new RunService(commands);
  const sessions = new SessionService(commands, wait);
  const questions = new QuestionService(commands);
  const permissions = new PermissionExplainer({
    store,
    clock,
    authority: loop.authority,
    rules: engine.rules,
    tools,
    permissionMode: loop.permissionMode,
    workspaceRoot,
  });
  const status = new StatusService({
    store,
    clock,
    tail,
    routes: runtime.routes,
    settings: runtime,
    audit: () => audit.status(),
    processId: settings.processId,
    isReady: lifecycle.isReady,
    budgets: () => budgetsStatus(commands),
    tasks: () => tasks.status(),
    ...(settings.sandbox === undefined ? {} : { sandbox: settings.sandbox }),
    subscriberCount: () => streams.subscriberCount,
    newestEvent: () => newestShown.position(),
    controlPlane: settings.controlPlane,
    hooks: (configured) => hooksStatus(hooks.runner, hooks.deadLetters, configured),
    storage: new StorageStatus(clock, settings.probeStorage),
    stateRootLock: settings.stateRootLock,
    authStore: () => credentials.vault.state,
    queuedLagThresholdMs: settings.queuedLagThresholdMs,
    staleThresholdMs: settings.staleThresholdMs,
    isHoldingStill: lifecycle.isHoldingStill,
  });
  const usersOfSlot = (slotId: string) => [...routes.usersOf(slotId), ...(mcp?.usersOf(slotId) ?? [])];

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
      ...hookBindings(hooks.deadLetters),
      ...permissionBindings(permissions),
      ...ruleBindings(commands),
      ...statusBindings(status),
      ...tokenBindings(tokens),
      ...browserSessionBindings(browserSessions),
      ...routeBindings(routes),
      ...(mcp === undefined ? [] : mcpBindings(mcp)),
      ...skillBindings(skills, new SessionSkills(commands, library)),
      ...secretBindings(credentials, usersOfSlot),
      ...(accounts === undefined ? [] : accountBindings(new AccountService(credentials.vault, accounts))),
      ...(archive === undefined ? [] : backupBindings(new BackupService({ ...ports, open: archive }))),
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
    isReady: lifecycle.isReady,
    start: () => lifecycle.start(),
    drain: (deadlineMs) => lifecycle.drain(deadlineMs),
  };
}
