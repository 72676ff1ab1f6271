import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SessionEventLog } from "@kheish/contract";
import { afterEach } from "vitest";
import { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { processContext } from "../../src/surface/cli/process-context.ts";
import { type CliResult, kheish } from "../../src/surface/cli/testing/run-cli.ts";

export const BIN = fileURLToPath(new URL("../../bin/kheish.js", import.meta.url));

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

export function later(step: () => Promise<unknown>): void {
  undo.push(step);
}

/** A directory that goes with the test. */
export async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "kheish-backup-"));
  later(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface Place {
  stateRoot: string;
  workspace: string;
  directory: string;
  log: string;
}

export async function place(directory: string, name = "state"): Promise<Place> {
  const workspace = join(directory, "workspace");
  await mkdir(workspace, { recursive: true });
  return { directory, workspace, stateRoot: join(directory, name), log: join(directory, `${name}.log`) };
}

/** A daemon in a process of its own. */
export async function daemonOn(at: Place, ...flags: string[]): Promise<DaemonProcess> {
  const bypass = ["--permission-mode", "bypass-permissions"];
  const daemon = await DaemonProcess.start(at, processContext().clock, [...bypass, ...flags]);
  later(() => daemon.stop());
  return daemon;
}

/** One command line of this process against that daemon. */
export function cli(daemon: { baseUrl: string } | undefined, ...argv: string[]): Promise<CliResult> {
  const env = daemon === undefined ? {} : { KHEISH_DAEMON_URL: daemon.baseUrl };
  return kheish(argv, { env });
}

/** One command line in a process of its own; `killAfter` resolves when it is to be killed with SIGKILL. */
export async function cliProcess(
  argv: readonly string[],
  killAfter?: (isOver: () => boolean) => Promise<void>,
): Promise<{ code: number | null; signal: string | null; stderr: string }> {
  const child = spawn(process.execPath, [BIN, ...argv], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const closed = once(child, "close");
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  await killAfter?.(isOver);
  if (killAfter !== undefined && !isOver()) child.kill("SIGKILL");
  const [code, signal] = (await closed) as [number | null, string | null];
  return { code, signal, stderr };
}

/** A module by which a process stops itself, again and again, while there is such a file. */
export function stopsAt(path: string): string {
  const program = `import { existsSync } from "node:fs";
    setInterval(() => existsSync(${JSON.stringify(path)}) && process.kill(process.pid, "SIGSTOP"), 1).unref();`;
  return `data:text/javascript,${encodeURIComponent(program)}`;
}

export async function get<T>(daemon: { baseUrl: string }, path: string): Promise<T> {
  return (await (await fetch(`${daemon.baseUrl}${path}`)).json()) as T;
}

export async function post<T>(daemon: { baseUrl: string }, path: string, body: object): Promise<T> {
  const answer = await fetch(`${daemon.baseUrl}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as T;
}

export async function submit(
  daemon: { baseUrl: string },
  session: string,
  turns: readonly object[],
): Promise<string> {
  await post(daemon, "/v1/sessions", { session_id: session });
  const content = JSON.stringify({ simulate: turns });
  const { run_id } = await post<{ run_id: string }>(daemon, `/v1/sessions/${session}/runs`, { content });
  return run_id;
}

export function journalOf(daemon: { baseUrl: string }, session: string): Promise<SessionEventLog> {
  return get(daemon, `/v1/sessions/${session}/events`);
}
