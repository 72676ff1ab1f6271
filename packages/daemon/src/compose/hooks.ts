import type { CommandDeps } from "../engine/index.ts";
import {
  agentCaller,
  auditedCallers,
  FileWatches,
  HookDeadLetters,
  HookRunner,
  HookWatchers,
  promptCaller,
} from "../features/hooks/index.ts";
import type { WaitForRun } from "../features/runs/index.ts";
import type { RuntimeSettings } from "../features/runtime/index.ts";
import { type DaemonSettings, ownerOf, type World } from "./world.ts";

export interface Hooks {
  runner: HookRunner;
  /** Call the hooks that watch what was announced. */
  watchers: HookWatchers;
  /** Announce what changes in the files that hooks watch. */
  watches: FileWatches;
  deadLetters: HookDeadLetters;
}

/** `judges`: what hooks that ask a model begin their runs with. */
export function composeHooks(
  world: World,
  settings: DaemonSettings,
  runtime: RuntimeSettings,
  judges: { commands: () => CommandDeps; wait: WaitForRun },
): Hooks {
  const { store, clock, random, log, watchDirectory } = world;
  const deadLetters = new HookDeadLetters({ store, clock, random });
  const watches = new FileWatches({
    store,
    clock,
    log,
    workspaceRoot: settings.workspaceRoot,
    hooks: () => runner,
    watchDirectory,
  });
  const runner = new HookRunner({
    store,
    clock,
    random,
    log,
    deadLetters,
    redactor: world.credentials.redactor,
    settings: () => runtime.now.hooks,
    watches,
    onAnnounce: () => watchers.look(),
    callers: auditedCallers(world.audit.ledger, {
      ...world.hooks,
      prompt: promptCaller(judges),
      agent: agentCaller(judges),
    }),
  });
  const watchers = new HookWatchers({ store, clock, log, owner: ownerOf(settings.instanceId), runner });
  return { runner, watchers, watches, deadLetters };
}
