import { tmpdir } from "node:os";
import type { Tool, ToolPort } from "../engine/ports.ts";
import { systemClock } from "../kernel/clock.ts";
import { KeyedMutex } from "../kernel/keyed-mutex.ts";
import { bashTool } from "./bash/bash.ts";
import { childEnvironment } from "./bash/environment.ts";
import { HeldCommands } from "./bash/held-commands.ts";
import { type CommandLauncher, commandLauncher } from "./bash/launch.ts";
import { type StartShell, startShell } from "./bash/shell.ts";
import { applyPatchTool } from "./files/apply-patch.ts";
import { editFileTool } from "./files/edit-file.ts";
import { readFileTool } from "./files/read-file.ts";
import { writeFileTool } from "./files/write-file.ts";
import { goalTools } from "./goals/goal-tools.ts";
import { askUserQuestionTool } from "./interaction/ask-user-question.ts";
import { noopTool } from "./interaction/noop.ts";
import { todoWriteTool } from "./interaction/todo-write.ts";
import { planTools } from "./planning/plan-tools.ts";
import { globSearchTool, grepSearchTool, listFilesTool } from "./search/tools.ts";
import { Slots } from "./slots.ts";
import { taskTools } from "./tasks/task-tools.ts";

export type { Shell, ShellExit, ShellRequest, StartShell } from "./bash/shell.ts";

/** Over all sessions: a thread is cheap to end but not free to have. */
const MAX_SEARCH_THREADS = 8;

export interface BuiltinToolsOptions {
  /** The daemon's environment; a command sees only the harmless names of it. */
  hostEnv: Readonly<Record<string, string | undefined>>;
  /** Starts commands; the simulation puts its own here. */
  startShell?: StartShell;
  /** Starts commands behind the sandbox, in the place of both of these. */
  commands?: CommandLauncher;
  /** Where commands that go on as tasks wait for whoever looks after them. */
  held?: HeldCommands;
  /** Where long outputs go on their way to the blob store. */
  scratchDir?: string;
  /** Adds `noop`, for load tests. */
  includeNoop?: boolean;
}

/** The tools that need nothing but a workspace and the session they act for. */
export function createBuiltinTools(options: BuiltinToolsOptions): ToolPort {
  const locks = new KeyedMutex();
  const searchThreads = new Slots(MAX_SEARCH_THREADS);
  return toolPort([
    applyPatchTool(locks),
    askUserQuestionTool(),
    bashTool({
      commands:
        options.commands ??
        commandLauncher({
          childEnv: childEnvironment(options.hostEnv),
          start: options.startShell ?? startShell,
        }),
      held: options.held ?? new HeldCommands(systemClock),
      scratchDir: options.scratchDir ?? tmpdir(),
    }),
    editFileTool(locks),
    globSearchTool(searchThreads),
    ...goalTools(),
    grepSearchTool(searchThreads),
    ...(options.includeNoop === true ? [noopTool()] : []),
    listFilesTool(searchThreads),
    ...planTools(),
    readFileTool(),
    ...taskTools(),
    todoWriteTool(),
    writeFileTool(locks),
  ]);
}

/** A registry of tools. A name given twice is a bug of whoever put the list together. */
export function toolPort(tools: readonly Tool[]): ToolPort {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  if (byName.size < tools.length) throw new Error("two tools with one name");
  const sorted = [...tools].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { all: () => sorted, get: (name) => byName.get(name) };
}
