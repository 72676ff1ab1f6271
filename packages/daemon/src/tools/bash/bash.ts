import { constants } from "node:os";
import type { JsonObject } from "@kheish/contract";
import { z } from "zod";
import type { Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import type { ShellCommand } from "../../engine/tasks/port.ts";
import type { Clock } from "../../kernel/clock.ts";
import { defineTool } from "../define.ts";
import { systemReason, ToolFailure } from "../failure.ts";
import { failure, success } from "../outcome.ts";
import { locate } from "../workspace/open.ts";
import { absolutePath, ROOT, relativePath } from "../workspace/path.ts";
import { type Captured, capture } from "./capture.ts";
import { HandOver } from "./hand-over.ts";
import type { HeldCommands } from "./held-commands.ts";
import type { CommandLauncher } from "./launch.ts";
import { Reading } from "./reading.ts";
import { runShell } from "./run-shell.ts";
import type { Shell, ShellExit } from "./shell.ts";

/** What a shell that was ended by a signal would have reported of a child of its own. */
const SIGNAL_EXIT_BASE = 128;

const BashInput = z.strictObject({
  command: z
    .string()
    .min(1)
    .refine((command) => !command.includes("\0"), "holds a NUL byte")
    .describe("What to run, as a bash command line."),
  workdir: z
    .string()
    .optional()
    .describe("Directory to run in, relative to the workspace root. Default: the root."),
  run_in_background: z
    .boolean()
    .default(false)
    .describe("Go on at once; the command becomes a task of the session."),
  description: z
    .string()
    .optional()
    .describe("What the command is for, in a few words, for people who read along."),
});
type BashInput = z.output<typeof BashInput>;

const OUTPUT_LEFT_OPEN =
  "a process that detached itself still holds the output open; what it writes from now on is not shown";

const DESCRIPTION =
  "Runs a command with /bin/bash in a login shell and waits for it. stdin is empty; the environment holds only PATH, HOME, " +
  "LANG, LC_*, TERM, TMPDIR, TZ, USER and SHELL. Processes left running when the command ends are terminated. " +
  "Of stdout and stderr 64 KiB each are returned; of longer output the beginning and the end, " +
  "so write what you need whole to a file. With run_in_background it becomes a task of the session and you go on at " +
  "once: task_output shows what it wrote, task_stop ends it, and you are told when it is over. " +
  "A command that reaches the time limit goes on as such a task.";

const TIMEOUT_MS = 3_600_000;
/** Before the call's own limit, so that a command can still be handed over; of a short limit a part of it. */
const HAND_OVER_MS = 2_000;
const HAND_OVER_SHARE = 0.1;
const TITLE_CHARACTERS = 80;

export interface BashOptions {
  commands: CommandLauncher;
  held: HeldCommands;
  scratchDir: string;
}

export function bashTool(options: BashOptions): Tool {
  return defineTool({
    name: "bash",
    description: DESCRIPTION,
    schema: BashInput,
    effect: "once",
    timeoutMs: TIMEOUT_MS,
    sandbox: "workspace_write",
    allowsParallel: false,
    isolation: options.commands.sandbox.name,
    boundary: () => ({ kind: "shell", target: "bash" }),
    execute: (input, context) => run(input, context, options),
    // A command in the background begins after the commit that says so: without one, nothing has happened.
    reconcile: async (input) => ({ kind: input.run_in_background ? "not_applied" : "unknown" }),
  });
}

async function run(input: BashInput, context: ToolContext, options: BashOptions): Promise<ToolOutcome> {
  const root = context.workspace_root;
  const workdir = await locate(root, relativePath(root, input.workdir ?? ROOT));
  if (workdir.kind !== "directory") throw new ToolFailure(`'${workdir.real}' is not a directory`);
  context.signal.throwIfAborted();
  if (input.run_in_background && context.tasks === undefined)
    throw new ToolFailure("this daemon keeps no tasks; run the command in the foreground");
  const { commands } = options;
  const wanted: Omit<ShellCommand, "adopted"> = {
    command: input.command,
    title: titleOf(input),
    workdir: workdir.real,
    cwd: absolutePath(root, workdir.real),
    workspace_root: root,
    network: context.limits.max_sandbox === "network_enabled",
    sandbox: commands.sandbox.name,
  };
  return input.run_in_background
    ? background(wanted)
    : foreground({ wanted, context, options, shell: started(commands, wanted) });
}

/** The task is committed with this call's result, and only then does the command begin (03-R15, 04-R43). */
function background(wanted: Omit<ShellCommand, "adopted">): ToolOutcome {
  const output = { success: true, stdout: "", stderr: "", exit_code: 0, backgrounded_by_user: true };
  return { kind: "task", change: { type: "begin_shell", command: { ...wanted, adopted: false }, output } };
}

interface Foreground {
  wanted: Omit<ShellCommand, "adopted">;
  context: ToolContext;
  options: BashOptions;
  shell: Shell;
}

async function foreground({ wanted, context, options, shell }: Foreground): Promise<ToolOutcome> {
  const { clock, signal, blobs } = context;
  const reading = new Reading();
  const streams = [shell.stdout, shell.stderr].map((stream) => new HandOver(reading.watch(stream)));
  const [out, err] = streams as [HandOver, HandOver];
  const outputs = Promise.all(
    [out, err].map((stream) => capture(stream.before(), blobs, options.scratchDir)),
  ) as Promise<[Captured, Captured]>;
  const isCeiling = await untilCeiling(shell.exited, signal, clock, context.limits.max_timeout_ms);
  if (isCeiling && context.tasks !== undefined) {
    out.handOver();
    err.handOver();
    const [stdout, stderr] = await outputs;
    options.held.hold(
      { runId: context.run_id, callId: context.call_id },
      {
        shell,
        begun: stdout.text + stderr.text,
        stdout: out.after(),
        stderr: err.after(),
      },
    );
    return adopted(wanted, { ...outputFields("stdout", stdout), ...outputFields("stderr", stderr) });
  }
  const { complete, ...exit } = await runShell(shell, reading, clock, signal).catch(notStarted);
  const [stdout, stderr] = await outputs;

  const report = {
    command: wanted.command,
    workdir: wanted.workdir,
    ...exitFields(exit),
    ...outputFields("stdout", stdout),
    ...outputFields("stderr", stderr),
    ...(complete ? {} : { note: OUTPUT_LEFT_OPEN }),
  };
  return signal.aborted
    ? failure("the command was stopped before it finished", { ...report, success: false, interrupted: true })
    : success(report);
}

/** It runs, and goes on as a task (03, where the reference is weak). */
function adopted(wanted: Omit<ShellCommand, "adopted">, written: JsonObject): ToolOutcome {
  const { command, workdir } = wanted;
  const output = {
    command,
    workdir,
    success: true,
    ...written,
    backgrounded_by_user: false,
    note: "the command reached the time limit and goes on in the background; it is not over",
  };
  return { kind: "task", change: { type: "begin_shell", command: { ...wanted, adopted: true }, output } };
}

/** Whether the command is still at work when it has nearly used up what its call may take. */
async function untilCeiling(
  exited: Promise<unknown>,
  signal: AbortSignal,
  clock: Clock,
  maxTimeoutMs: number,
): Promise<boolean> {
  const limitMs = Math.max(1, Math.min(TIMEOUT_MS, maxTimeoutMs));
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const stop = () => resolve(false);
  const timer = clock.schedule(limitMs - Math.min(HAND_OVER_MS, limitMs * HAND_OVER_SHARE), () =>
    resolve(true),
  );
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  exited.then(stop, stop);
  try {
    return await promise;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", stop);
  }
}

/** What people who read along are shown of it. */
function titleOf({ description, command }: BashInput): string {
  const [line = ""] = (description ?? command).trim().split("\n");
  const characters = [...line];
  return characters.length <= TITLE_CHARACTERS
    ? line || "command"
    : `${characters.slice(0, TITLE_CHARACTERS - 1).join("")}…`;
}

/** A command that is too long for the system is refused by a throw, a missing shell by a rejection. */
function started(
  commands: CommandLauncher,
  { command, cwd, workspace_root: workspaceRoot, network }: Omit<ShellCommand, "adopted">,
): Shell {
  try {
    return commands.launch({ command, cwd, workspaceRoot, network });
  } catch (error) {
    return notStarted(error);
  }
}

function notStarted(error: unknown): never {
  const reason = systemReason(error);
  throw reason === undefined ? error : new ToolFailure(`/bin/bash could not be started: ${reason}`);
}

function exitFields({ code, signal }: ShellExit): JsonObject {
  if (signal === null) return { exit_code: code ?? 0, success: code === 0 };
  return { exit_code: SIGNAL_EXIT_BASE + constants.signals[signal], success: false, signal };
}

function outputFields(name: "stdout" | "stderr", captured: Captured): JsonObject {
  return {
    [name]: captured.text,
    ...(captured.truncated ? { [`${name}_truncated`]: true, [`${name}_bytes`]: captured.bytes } : {}),
    ...(captured.blob === undefined
      ? {}
      : { [`${name}_blob`]: captured.blob.sha256, [`${name}_blob_bytes`]: captured.blob.sizeBytes }),
    ...(captured.lost === undefined ? {} : { [`${name}_blob_error`]: captured.lost }),
  };
}
