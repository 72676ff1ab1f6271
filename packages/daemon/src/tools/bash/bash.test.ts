import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import type { ToolContext } from "../../engine/ports.ts";
import { type Clock, SimulatedClock, systemClock } from "../../kernel/clock.ts";
import { createBuiltinTools } from "../index.ts";
import { call, contextOf, fail, MemoryBlobs, succeed, useWorkspace } from "../testing/harness.ts";
import { KEPT_BYTES, SHOWN_BYTES } from "./capture.ts";
import type { Shell, ShellExit } from "./shell.ts";

const workspace = useWorkspace();

function bash(overrides: Partial<Parameters<typeof createBuiltinTools>[0]> = {}) {
  const hostEnv = { PATH: process.env.PATH, HOME: workspace.outside };
  const tool = createBuiltinTools({ hostEnv, scratchDir: workspace.outside, ...overrides }).get("bash");
  if (tool === undefined) throw new Error("no bash");
  return tool;
}
const run = (command: string, context: ToolContext = contextOf(workspace)) =>
  succeed(bash(), { command }, context);

/** Real time, so many times as fast. */
const faster = (times: number): Clock => ({
  now: () => systemClock.now(),
  schedule: (delayMs, then) => systemClock.schedule(delayMs / times, then),
});
const hurried = faster(10);
/** Whoever obeys has all the time that a busy machine takes. */
const patient = faster(1 / 10);

/** Until the command has written the file `ready`. */
async function ready(): Promise<void> {
  while (!readdirSync(workspace.root).includes("ready"))
    await new Promise((resolve) => setImmediate(resolve));
}

/** Whether a process is there and not just waiting to be reaped. */
async function alive(pid: number): Promise<boolean> {
  return (await run(`ps -o stat= -p ${pid} | grep -v Z || true`)).stdout !== "";
}

describe("bash", () => {
  it("runs a command in a login shell and reports how it ended", async () => {
    expect(await run("echo out; echo err >&2; exit 3")).toEqual({
      command: "echo out; echo err >&2; exit 3",
      workdir: ".",
      exit_code: 3,
      success: false,
      stdout: "out\n",
      stderr: "err\n",
    });
    expect(await run("shopt -q login_shell; echo $?")).toMatchObject({ success: true, stdout: "0\n" });
  });

  it("reports an end by signal", async () => {
    expect(await run("kill -KILL $$")).toMatchObject({ exit_code: 137, success: false, signal: "SIGKILL" });
  });

  it("gives the command an empty stdin", async () => {
    expect(await run("cat; echo done")).toMatchObject({ stdout: "done\n" });
  });

  it("takes a command that begins with a dash for a command", async () => {
    expect(await run("-c 'echo no'")).toMatchObject({ exit_code: 127, stdout: "" });
  });

  it("03-A2: passes nothing of the daemon's environment but the harmless names", async () => {
    const hostEnv = {
      PATH: process.env.PATH,
      HOME: workspace.outside,
      LC_ALL: "C",
      TZ: "UTC",
      KHEISH_API_TOKEN: "hunter2",
      ANTHROPIC_API_KEY: "hunter2",
      LCSECRET: "hunter2",
      BASH_ENV: "/nowhere",
    };
    process.env.KHEISH_TEST_SECRET = "hunter2";
    const { stdout } = await succeed(bash({ hostEnv }), { command: "env" }, contextOf(workspace));
    delete process.env.KHEISH_TEST_SECRET;
    const names = String(stdout)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split("=")[0]);
    expect(stdout).not.toContain("hunter2");
    expect(names.sort()).toEqual(["HOME", "LC_ALL", "PATH", "PWD", "SHLVL", "TZ", "_"]);
  });

  it("03-R14: runs in the directory asked for, and in none outside", async () => {
    mkdirSync(join(workspace.root, "dir"));
    symlinkSync("dir", join(workspace.root, "in"));
    symlinkSync("..", join(workspace.root, "out"));
    workspace.write("file", "");
    const at = (workdir: string) => ({ command: "pwd", workdir });
    expect(await succeed(bash(), at("./dir/"), contextOf(workspace))).toMatchObject({
      workdir: "dir",
      stdout: `${workspace.root}/dir\n`,
    });
    expect(await succeed(bash(), at("in"), contextOf(workspace))).toMatchObject({ workdir: "dir" });
    for (const outside of ["..", "out", "/etc", "file", "missing"])
      expect(await fail(bash(), at(outside), contextOf(workspace))).not.toBe("");
  });

  it("refuses to run in the background, and says what to do instead", async () => {
    const input = { command: "true", run_in_background: true };
    expect(await fail(bash(), input, contextOf(workspace))).toContain("run the command in the foreground");
  });

  it("says when the shell cannot be started", async () => {
    const refused = { command: `: ${"x".repeat(3_000_000)}` };
    expect(await fail(bash(), refused, contextOf(workspace))).toBe("/bin/bash could not be started: E2BIG");
  });
});

describe("bash and its process group", () => {
  it("03-R14: terminates what the command left running", async () => {
    const { stdout } = await run("sleep 600 & echo $!", contextOf(workspace, { clock: hurried }));
    expect(await alive(Number(stdout))).toBe(false);
  });

  it("does not wait for a process that left the group and holds the output open", async () => {
    const command =
      "setsid bash -c 'echo $$ > pid; exec sleep 600' & until [ -s pid ]; do :; done; echo ended";
    expect(await run(command, contextOf(workspace, { clock: hurried }))).toMatchObject({
      stdout: "ended\n",
      note: expect.stringContaining("detached itself"),
    });
    process.kill(Number(readFileSync(join(workspace.root, "pid"), "utf8")), "SIGKILL");
  });

  it("03-R14: ends everything when the call is stopped, and shows what there was until then", async () => {
    const stop = new AbortController();
    const running = call(
      bash(),
      { command: "sleep 600 & echo $! > pid; echo started; touch ready; wait" },
      contextOf(workspace, { signal: stop.signal, clock: patient }),
    );
    await ready();
    stop.abort();
    const { output, is_error } = await running;
    expect(is_error).toBe(true);
    expect(output).toMatchObject({
      interrupted: true,
      success: false,
      stdout: "started\n",
      signal: "SIGTERM",
    });
    const { stdout } = await run("cat pid");
    expect(await alive(Number(stdout))).toBe(false);
  });

  it("03-R14: kills what does not obey after 10 times 50 ms, and not before", async () => {
    const clock = new SimulatedClock();
    const stop = new AbortController();
    const shell = new StubbornShell();
    const started = Promise.withResolvers<void>();
    const startShell = () => {
      started.resolve();
      return shell;
    };
    const context = contextOf(workspace, { clock, signal: stop.signal });
    const running = call(bash({ startShell }), { command: "x" }, context);
    await started.promise;
    stop.abort();
    await clock.advance(0);
    expect(shell.signals).toEqual(["SIGTERM"]);
    await clock.advance(499);
    expect(shell.signals).not.toContain("SIGKILL");
    await clock.advance(1);
    expect(shell.signals.at(-1)).toBe("SIGKILL");
    expect((await running).output).toMatchObject({ signal: "SIGKILL", exit_code: 137, interrupted: true });
  });

  it("03-R14: really kills a command that ignores TERM", async () => {
    const stop = new AbortController();
    const running = call(
      bash(),
      { command: "trap '' TERM; touch ready; while :; do sleep 0.05; done" },
      contextOf(workspace, { signal: stop.signal, clock: hurried }),
    );
    await ready();
    stop.abort();
    expect((await running).output).toMatchObject({ signal: "SIGKILL", interrupted: true });
  });
});

/** Ends only when killed; then its output ends too. */
class StubbornShell implements Shell {
  readonly signals: (string | number)[] = [];
  readonly #exit = Promise.withResolvers<ShellExit>();
  readonly exited = this.#exit.promise;
  readonly stdout = this.#untilExit();
  readonly stderr = this.#untilExit();

  signalGroup(signal: "SIGTERM" | "SIGKILL" | 0): boolean {
    this.signals.push(signal);
    if (signal === "SIGKILL") this.#exit.resolve({ code: null, signal });
    return true;
  }

  closePipes(): void {}

  async *#untilExit(): AsyncGenerator<Uint8Array> {
    await this.exited;
    yield Buffer.from("killed");
  }
}

describe("the output of bash", () => {
  const blobs = () => {
    const store = new MemoryBlobs();
    return { store, context: contextOf(workspace, { blobs: store }) };
  };

  it("up to 64 KiB is returned whole, with nothing said of it", async () => {
    const output = await run(`head -c ${SHOWN_BYTES} /dev/zero | tr '\\0' x`);
    expect(output.stdout).toBe("x".repeat(SHOWN_BYTES));
    expect(Object.keys(output)).toEqual(["command", "workdir", "exit_code", "success", "stdout", "stderr"]);
  });

  it("beyond that head and tail are, between characters, and all of it is kept as a blob", async () => {
    const { store, context } = blobs();
    const output = await run("seq 1 40000 | sed 's/$/ é/'; echo err >&2", context);
    const whole = Array.from({ length: 40_000 }, (_, n) => `${n + 1} é\n`).join("");
    const size = Buffer.byteLength(whole);
    expect(output).toMatchObject({ stdout_truncated: true, stdout_bytes: size, stdout_blob_bytes: size });
    expect(output).toMatchObject({ stderr: "err\n" });
    expect(store.stored.get(String(output.stdout_blob))?.toString()).toBe(whole);
    const [head, tail] = String(output.stdout).split(/\n\[\.\.\. \d+ bytes left out \.\.\.\]\n/);
    expect(whole.startsWith(String(head))).toBe(true);
    expect(whole.endsWith(String(tail))).toBe(true);
    expect(output.stdout).not.toContain("\ufffd");
    expect(Buffer.byteLength(String(output.stdout))).toBeLessThan(SHOWN_BYTES + 100);
    expect(readdirSync(workspace.outside)).toEqual(["ws"]);
  });

  it("is kept up to 64 MiB, and the result says how much of it", async () => {
    const { context } = blobs();
    const output = await run(`head -c ${KEPT_BYTES + 5} /dev/zero | tr '\\0' y; echo end`, context);
    expect(output).toMatchObject({ stdout_bytes: KEPT_BYTES + 9, stdout_blob_bytes: KEPT_BYTES });
    expect(String(output.stdout).endsWith("yend\n")).toBe(true);
  });

  it("that cannot be kept does not cost the result", async () => {
    const tool = bash({ scratchDir: join(workspace.outside, "missing") });
    const command = "head -c 100000 /dev/zero | tr '\\0' x";
    const output: JsonObject = await succeed(tool, { command }, contextOf(workspace));
    expect(output).toMatchObject({ success: true, stdout_truncated: true, stdout_bytes: 100_000 });
    expect(output.stdout_blob_error).toContain("no such file or directory");
    expect(output).not.toHaveProperty("stdout_blob");
  });
});
