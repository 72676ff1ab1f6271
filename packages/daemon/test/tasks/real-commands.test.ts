import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DaemonStatusView, RunView, TaskOutputView, TaskRecord } from "@kheish/contract";
import { afterEach, describe, expect, test } from "vitest";
import { MARKER } from "../../src/features/tasks/index.ts";
import { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { processContext } from "../../src/surface/cli/process-context.ts";
import { systemTraces } from "../../src/tools/process/traces.ts";
import { openSandbox } from "../../src/tools/sandbox/open.ts";
import { ServedDaemon } from "../support/served.ts";

const { clock } = processContext();
const undo: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A real daemon in a process of its own. */
class RealDaemon {
  readonly process: DaemonProcess;
  readonly workspace: string;

  constructor(process: DaemonProcess, workspace: string) {
    this.process = process;
    this.workspace = workspace;
  }

  static async start(sandbox = "off"): Promise<RealDaemon> {
    const directory = await mkdtemp(join(tmpdir(), "kheish-tasks-"));
    undo.push(() => rm(directory, { recursive: true, force: true }));
    const workspace = join(directory, "workspace");
    await mkdir(workspace);
    const place = { directory, workspace, stateRoot: join(directory, "state"), log: join(directory, "log") };
    const flags = ["--permission-mode", "bypass-permissions", "--sandbox", sandbox];
    const daemon = await DaemonProcess.start(place, clock, flags);
    undo.push(() => daemon.stop());
    const real = new RealDaemon(daemon, workspace);
    await real.post("/v1/sessions", { session_id: "s" });
    return real;
  }

  async post<T>(path: string, body: object): Promise<T> {
    const answer = await fetch(`${this.process.baseUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as T;
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.process.baseUrl}${path}`)).json()) as T;
  }

  /** A command in the background that has written `ready`. */
  async begin(command: string): Promise<TaskRecord> {
    const input = { command: `${command}`, run_in_background: true };
    const content = JSON.stringify({
      simulate: [{ tool_calls: [{ name: "bash", input }] }, { text: "begun" }],
    });
    await this.post<RunView>("/v1/sessions/s/runs", { content });
    await eventually(() => existsSync(join(this.workspace, "ready")));
    return eventually(async () => {
      const task = (await this.tasks()).find(({ description }) => description === command);
      return (task?.metadata as { pid?: number } | undefined)?.pid === undefined ? undefined : task;
    });
  }

  tasks(): Promise<TaskRecord[]> {
    return this.get("/v1/sessions/s/tasks");
  }

  output(id: string, query = ""): Promise<TaskOutputView> {
    return this.get(`/v1/sessions/s/tasks/${id}/output${query}`);
  }
}

async function eventually<T>(look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const until = clock.now() + 60_000;
  while (clock.now() < until) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await clock.sleep(20);
  }
  throw new Error("waited in vain");
}

const isThere = async (pid: number) => (await systemTraces().startedAt(pid)) !== undefined;
const numberIn = async (path: string) => Number((await readFile(path, "utf8")).trim());

describe("a real command in the background", () => {
  test("04-R46 04-R47 runs to its end, and what it wrote can be read", async () => {
    const daemon = await RealDaemon.start();
    const { id } = await daemon.begin("echo one; echo two >&2; touch ready; sleep 0.3; exit 4");
    const view = await daemon.output(id, "?wait=true&timeout_ms=20000");
    expect(view).toMatchObject({
      retrieval_status: "success",
      task: { status: "failed", metadata: { exit_code: 4 } },
    });
    expect(view.output_excerpt?.split("\n").sort()).toEqual(["", "one", "two"]);
  });

  test("04-R47 writes more than is kept: the end of it is, and how much there was", async () => {
    const daemon = await RealDaemon.start();
    const { id } = await daemon.begin("touch ready; yes 0123456789 | head -c 20000000; echo the end");
    const view = await daemon.output(id, "?wait=true&timeout_ms=60000");
    expect(view).toMatchObject({ task: { status: "completed" }, output_rotated: true });
    expect(view.output_total_bytes).toBe(20_000_008);
    expect(view.output_size_bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(view.output_excerpt?.endsWith("the end\n")).toBe(true);
    const full = await daemon.output(id, "?full=true");
    expect(full.output_text?.slice(0, 200)).toMatch(
      /^\[daemon output rotated: \d times, \d+ bytes written, the last 6291456 follow\]\n/,
    );
  });

  test("04-R49 is stopped with all that it started", async () => {
    const daemon = await RealDaemon.start();
    const { id } = await daemon.begin("sleep 600 & echo $! > child; touch ready; wait");
    const child = await numberIn(join(daemon.workspace, "child"));
    expect(await isThere(child)).toBe(true);
    const stopped = await daemon.post<TaskRecord>(`/v1/sessions/s/tasks/${id}/stop`, { reason: "enough" });
    expect(stopped).toMatchObject({ status: "cancelled", output: "enough" });
    expect(await isThere(child)).toBe(false);
  });

  test("04-R52 does not outlive a daemon that is killed, and the next one says so", async () => {
    const daemon = await RealDaemon.start();
    const command = "echo before; sleep 600 & echo $! > child; touch ready; wait";
    const { id } = await daemon.begin(command);
    const child = await numberIn(join(daemon.workspace, "child"));
    await eventually(async () =>
      (await daemon.output(id)).output_excerpt === "before\n" ? true : undefined,
    );
    await daemon.process.kill();
    await eventually(async () => !(await isThere(child)));
    await daemon.process.restart();
    const { task } = await daemon.output(id, "?wait=true");
    expect(task).toMatchObject({
      id,
      status: "failed",
      metadata: {
        terminal_reason: "daemon_restarted",
        recovered_on_boot: true,
        process_tree_shutdown_confirmed: true,
      },
    });
    expect((await daemon.output(id)).output_excerpt).toBe("before\n");
    const runs = await eventually(async () => {
      const all = await daemon.get<RunView[]>("/v1/runs");
      const told = all.filter(({ kind }) => kind === "mailbox_delivery");
      return told.every(({ status }) => status === "completed") && told.length > 0 ? told : undefined;
    });
    expect(runs).toHaveLength(1);
  });

  test("04-R45 04-R52 what left its group and was left behind all the same is found by its marker", async () => {
    const daemon = await RealDaemon.start();
    // Neither the group nor the pipe of the daemon reaches it.
    await daemon.begin(
      "setsid sh -c 'echo $$ > child; exec sleep 600' >/dev/null 2>&1 </dev/null & until [ -s child ]; do sleep 0.01; done; touch ready; wait",
    );
    const child = await numberIn(join(daemon.workspace, "child"));
    // Somebody else's process with the same command line.
    const other = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
    undo.push(async () => other.kill("SIGKILL"));
    await daemon.process.kill();
    await daemon.process.restart();
    await eventually(async () => !(await isThere(child)));
    expect(await isThere(other.pid ?? 0)).toBe(true);
  });
});

const probeRoot = await realpath(await mkdtemp(join(tmpdir(), "kheish-sandbox-probe-")));
const probed = await openSandbox({
  mode: "auto",
  writable: [],
  stateRoot: probeRoot,
  workspaceRoot: await realpath(tmpdir()),
  secretFiles: [],
  hostEnv: process.env,
  platform: process.platform,
});
await rm(probeRoot, { recursive: true });

describe("03, Shell commands run with full host access: the sandbox of a daemon", () => {
  test("is named by status and by each run with a command, also where there is none", async () => {
    const daemon = await ServedDaemon.start({
      store: "sqlite",
      permissionMode: "bypassPermissions",
      env: { PATH: "/usr/bin:/bin" },
      sandbox: "off",
    });
    undo.push(() => daemon.remove());
    const post = (path: string, body: object) =>
      fetch(`${daemon.baseUrl}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }).then((answer) => answer.json());
    await post("/v1/sessions", { session_id: "s" });
    const view = (await post("/v1/sessions/s/input", {
      content: JSON.stringify({
        simulate: [{ tool_calls: [{ name: "bash", input: { command: "true" } }] }, { text: "done" }],
      }),
    })) as object;
    expect(view).toBeDefined();
    const [run] = (await (await fetch(`${daemon.baseUrl}/v1/runs`)).json()) as RunView[];
    expect(run).toMatchObject({ status: "completed", sandbox: "none" });
    const status = (await (await fetch(`${daemon.baseUrl}/v1/status`)).json()) as DaemonStatusView;
    expect(status.sandbox).toEqual({ mode: "off", in_force: "none", reason: "--sandbox off" });
    expect(status.tasks).toMatchObject({ total: 0, live_background_shell_task_count: 0 });
    const log = await (await fetch(`${daemon.baseUrl}/v1/sessions/s/events`)).text();
    expect(log).toContain('"sandbox":"none"');
  });

  test("is required: a daemon without one does not start, and says what to do", async () => {
    const start = ServedDaemon.start({ store: "sqlite", sandbox: "required", env: { PATH: "/nowhere" } });
    await expect(start).rejects.toThrow(
      /--sandbox required, but commands cannot be sandboxed here: bubblewrap \(bwrap\) is not on the PATH; install/,
    );
  });

  test.skipIf(probed.status.in_force === "none")(
    "is around a command in the background, and both end with the daemon",
    async () => {
      const daemon = await RealDaemon.start("required");
      const task = await daemon.begin("sleep 600 & touch ready; wait");
      expect(task.metadata).toMatchObject({ sandbox: "bubblewrap" });
      const [run] = await daemon.get<RunView[]>("/v1/runs");
      expect(run?.sandbox).toBe("bubblewrap");
      const carrying = async (taskId: string) => (await systemTraces().carriers(MARKER)).get(taskId) ?? [];
      expect((await carrying(task.id)).length).toBeGreaterThan(1);
      await daemon.process.kill();
      await eventually(async () => (await carrying(task.id)).length === 0);
      await daemon.process.restart();
      const { task: ended } = await daemon.output(task.id, "?wait=true");
      expect(ended).toMatchObject({ status: "failed", metadata: { terminal_reason: "daemon_restarted" } });
      const second = await daemon.begin("echo again; sleep 600");
      const stopped = await daemon.post<TaskRecord>(`/v1/sessions/s/tasks/${second.id}/stop`, {});
      expect(stopped.status).toBe("cancelled");
      expect(await carrying(second.id)).toEqual([]);
    },
  );
});
