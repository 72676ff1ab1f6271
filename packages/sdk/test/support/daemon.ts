import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonProcess } from "../../../daemon/src/surface/cli/demo/daemon-process.ts";
import { processContext } from "../../../daemon/src/surface/cli/process-context.ts";

export interface LiveDaemon {
  daemon: DaemonProcess;
  directory: string;
  workspace: string;
  stop(): Promise<void>;
}

/** A real daemon in a process of its own, on a state root and a workspace of its own. */
export async function liveDaemon(...flags: string[]): Promise<LiveDaemon> {
  const directory = await mkdtemp(join(tmpdir(), "kheish-sdk-"));
  const workspace = join(directory, "workspace");
  await mkdir(workspace);
  const place = {
    directory,
    workspace,
    stateRoot: join(directory, "state"),
    log: join(directory, "daemon.log"),
  };
  const daemon = await DaemonProcess.start(place, processContext().clock, flags);
  const stop = async () => {
    await daemon.stop();
    await rm(directory, { recursive: true, force: true });
  };
  return { daemon, directory, workspace, stop };
}

/** A prompt that the simulator plays. */
export function script(...turns: object[]): string {
  return JSON.stringify({ simulate: turns });
}

export function bash(command: string): object {
  return { tool_calls: [{ name: "bash", input: { command } }] };
}

export interface Ran {
  stdout: string;
  stderr: string;
  exitCode: number | null;
}

interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  input?: string;
}

/** Runs a program of Node's to its end. */
export function runNode(args: readonly string[], { node, ...options }: RunOptions & { node?: string } = {}) {
  return runProgram(node ?? process.execPath, args, options);
}

/** Runs a program to its end; `input` is typed in advance. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...options.env },
    cwd: options.cwd,
    stdio: "pipe",
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  child.stdin.end(options.input ?? "");
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { stdout, stderr, exitCode };
}
