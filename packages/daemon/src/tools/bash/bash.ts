import { constants } from "node:os";
import type { JsonObject } from "@kheish/contract";
import { z } from "zod";
import type { Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import { defineTool } from "../define.ts";
import { systemReason, ToolFailure } from "../failure.ts";
import { failure, success } from "../outcome.ts";
import { locate } from "../workspace/open.ts";
import { absolutePath, ROOT, relativePath } from "../workspace/path.ts";
import { type Captured, capture } from "./capture.ts";
import { Reading } from "./reading.ts";
import { runShell } from "./run-shell.ts";
import type { Shell, ShellExit, ShellRequest, StartShell } from "./shell.ts";

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
  run_in_background: z.boolean().default(false).describe("Not supported by this version; leave it out."),
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
  "so write what you need whole to a file.";

export interface BashOptions {
  childEnv: Record<string, string>;
  start: StartShell;
  scratchDir: string;
}

export function bashTool(options: BashOptions): Tool {
  return defineTool({
    name: "bash",
    description: DESCRIPTION,
    schema: BashInput,
    effect: "once",
    timeoutMs: 3_600_000,
    sandbox: "workspace_write",
    allowsParallel: false,
    boundary: () => ({ kind: "shell", target: "bash" }),
    execute: (input, context) => run(input, context, options),
  });
}

async function run(input: BashInput, context: ToolContext, options: BashOptions): Promise<ToolOutcome> {
  if (input.run_in_background)
    throw new ToolFailure(
      "run_in_background is not supported by this version; run the command in the foreground",
    );
  const root = context.workspace_root;
  const workdir = await locate(root, relativePath(root, input.workdir ?? ROOT));
  if (workdir.kind !== "directory") throw new ToolFailure(`'${workdir.real}' is not a directory`);
  context.signal.throwIfAborted();

  const shell = started(options.start, {
    command: input.command,
    cwd: absolutePath(root, workdir.real),
    env: options.childEnv,
  });
  const reading = new Reading();
  const outputs = Promise.all([
    capture(reading.watch(shell.stdout), context.blobs, options.scratchDir),
    capture(reading.watch(shell.stderr), context.blobs, options.scratchDir),
  ]);
  const { complete, ...exit } = await runShell(shell, reading, context.clock, context.signal).catch(
    notStarted,
  );
  const [stdout, stderr] = await outputs;

  const report = {
    command: input.command,
    workdir: workdir.real,
    ...exitFields(exit),
    ...outputFields("stdout", stdout),
    ...outputFields("stderr", stderr),
    ...(complete ? {} : { note: OUTPUT_LEFT_OPEN }),
  };
  return context.signal.aborted
    ? failure("the command was stopped before it finished", { ...report, success: false, interrupted: true })
    : success(report);
}

/** A command that is too long for the system is refused by a throw, a missing shell by a rejection. */
function started(start: StartShell, request: ShellRequest): Shell {
  try {
    return start(request);
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
