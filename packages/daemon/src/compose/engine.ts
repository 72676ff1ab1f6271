import {
  BudgetBook,
  type CommandDeps,
  createTimers,
  Executor,
  KnownSessions,
  type LoopDeps,
  RuleBook,
  StateCache,
} from "../engine/index.ts";
import type { EventStreams } from "../features/events/index.ts";
import type { HookRunner } from "../features/hooks/index.ts";
import { ShellHost, TaskNotices, TaskService } from "../features/tasks/index.ts";
import { createAuthority } from "../governance/permissions.ts";
import { checkAnswers, renderAnswer } from "../governance/questions.ts";
import { KeyedMutex } from "../kernel/keyed-mutex.ts";
import type { QueueWorker } from "../kernel/queue-worker.ts";
import type { JournalTail } from "../kernel/tail.ts";
import type { Configuration } from "./configuration.ts";
import { type DaemonSettings, ownerOf, type World } from "./world.ts";

export interface Engine {
  /** What a run goes on with. */
  loop: LoopDeps;
  /** What the services change sessions and runs with. */
  commands: CommandDeps;
  executor: Executor;
  timers: QueueWorker;
  tasks: TaskService;
  /** Runs the commands in the background; absent: there are none. */
  host: ShellHost | undefined;
  notices: TaskNotices;
  rules: RuleBook;
  budgets: BudgetBook;
}

interface EngineParts {
  tail: JournalTail;
  streams: EventStreams;
  configuration: Configuration;
  hooks: HookRunner;
}

/** The durable loop with its ports filled, and what happens beside it: timers, commands in the background, notices. */
export function composeEngine(
  world: World,
  settings: DaemonSettings,
  { tail, streams, configuration: { runtime, library }, hooks }: EngineParts,
): Engine {
  const { store, blobs, clock, random, models, log, shells } = world;
  const { workspaceRoot, approvalTimeoutMs } = settings;
  const owner = ownerOf(settings.instanceId);
  const rules = new RuleBook(store);
  const budgets = new BudgetBook(store);
  const shared = {
    store,
    clock,
    blobs,
    mutex: new KeyedMutex(),
    known: new KnownSessions(),
    routes: runtime.routes,
    budgets,
    prices: models,
    tools: world.tools,
    authority: createAuthority(),
    audit: world.audit.ledger,
    rules,
    hooks,
    workspaceRoot,
    approvalTimeoutMs,
  };
  const tasks = new TaskService({
    commands: () => commands,
    tail,
    ...(shells === undefined
      ? {}
      : { shells: { countsOf: (id) => host?.countsOf(id), outputs: shells.outputs } }),
  });
  const loop: LoopDeps = {
    ...shared,
    model: models,
    tasks,
    ...(shells === undefined ? {} : { shells: { host: owner, maxMs: shells.maxMs } }),
    skills: library,
    log,
    limits: settings.limits,
    toolLimits: () => runtime.toolLimits,
    states: new StateCache(),
    permissionMode: () => runtime.permissionMode,
    systemPrompt: () => runtime.systemPrompt,
    onDelta: (delta) => streams.publishDelta(delta),
  };
  const executor = new Executor({ ...loop, owner, concurrency: settings.concurrency });
  const commands: CommandDeps = {
    ...shared,
    random,
    starter: executor.starter,
    questions: { check: checkAnswers, render: renderAnswer },
    abortRun: (runId) => executor.abortRun(runId),
  };
  const { redactor } = world.credentials;
  const host =
    shells === undefined ? undefined : new ShellHost({ commands, blobs, log, owner, redactor, ...shells });
  const notices = new TaskNotices({ commands, tasks, log });
  const timers = createTimers({ ...commands, owner, log });
  return { loop, commands, executor, timers, tasks, host, notices, rules, budgets };
}
