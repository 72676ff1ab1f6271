import { describe, expect, it, vi } from "vitest";
import type { DaemonModule, RunningDaemon } from "../context.ts";
import type { ServeOptions } from "../serve-options.ts";
import { FakeMachine } from "../testing/run-cli.ts";

/** A daemon that stops when told to, unless it hangs. */
function fakeModule({ hangs = false } = {}) {
  const closed = Promise.withResolvers<void>();
  const started = Promise.withResolvers<ServeOptions>();
  const stop = vi.fn(async (_reason: string) => {
    if (!hangs) closed.resolve();
  });
  const notes: string[] = [];
  const note = (message: string) => void notes.push(message);
  const daemon: RunningDaemon = { baseUrl: "http://127.0.0.1:4000", closed: closed.promise, stop, note };
  const module: DaemonModule = {
    serve: async (options) => {
      started.resolve(options);
      return daemon;
    },
  };
  return { module, stop, notes, closed, started: started.promise };
}

describe("serve", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("drains on %s, once, and ends with 0", async (signal) => {
    const { module, stop, started } = fakeModule();
    const machine = new FakeMachine({ daemon: module });
    const result = machine.run("start", "--bind", "127.0.0.1:0");
    expect((await started).bind).toEqual({ host: "127.0.0.1", port: 0 });
    machine.signal(signal);
    expect(await result).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(stop.mock.calls).toEqual([[signal]]);
    expect(machine.exits).toEqual([]);
    expect(machine.listenerCount).toBe(0);
  });

  it("drains when the terminal that it is shown in goes away", async () => {
    const { module, stop, started } = fakeModule();
    const machine = new FakeMachine({ daemon: module, columns: 80 });
    const result = machine.run("serve");
    await started;
    machine.signal("SIGHUP");
    expect((await result).code).toBe(0);
    expect(stop.mock.calls).toEqual([["SIGHUP"]]);
  });

  it("goes on where nobody's terminal shows it, and says that other signals mean nothing", async () => {
    const { module, stop, notes, started } = fakeModule();
    const machine = new FakeMachine({ daemon: module });
    const result = machine.run("serve");
    await started;
    for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const) {
      machine.signal(signal);
      await expect.poll(() => notes.at(-1)).toBe(`${signal} means nothing to this daemon: SIGTERM stops it`);
    }
    expect(stop).not.toHaveBeenCalled();
    machine.signal("SIGTERM");
    expect((await result).code).toBe(0);
    expect(machine.listenerCount).toBe(0);
  });

  it("ends at once on the second signal", async () => {
    const { module, stop, started, closed } = fakeModule({ hangs: true });
    const machine = new FakeMachine({ daemon: module });
    const result = machine.run("serve");
    await started;
    machine.signal("SIGTERM");
    machine.signal("SIGTERM");
    expect(machine.exits).toEqual([143]);
    machine.signal("SIGINT");
    expect(machine.exits).toEqual([143, 130]);
    closed.resolve();
    await result;
    expect(stop).toHaveBeenCalledOnce();
  });

  it("drains after the start when the signal came during it", async () => {
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const { module, stop } = fakeModule();
    const slow: DaemonModule = {
      serve: async (options, env) => {
        begun.resolve();
        await gate.promise;
        return module.serve(options, env);
      },
    };
    const machine = new FakeMachine({ daemon: slow });
    const result = machine.run("serve");
    await begun.promise;
    machine.signal("SIGINT");
    expect(stop).not.toHaveBeenCalled();
    gate.resolve();
    expect((await result).code).toBe(0);
    expect(stop).toHaveBeenCalledWith("SIGINT");
  });

  it("says in one line why it could not start", async () => {
    const module: DaemonModule = { serve: () => Promise.reject(new Error("/state is in use by process 7")) };
    const machine = new FakeMachine({ daemon: module });
    const { code, stderr } = await machine.run("serve");
    expect(code).toBe(1);
    expect(stderr).toBe("Error: the daemon could not start: /state is in use by process 7\n");
  });

  it("fails when the daemon dies", async () => {
    const { module, started, closed } = fakeModule();
    const result = new FakeMachine({ daemon: module }).run("serve");
    await started;
    closed.reject(new Error("the disk is gone"));
    expect(await result).toMatchObject({ code: 1, stderr: "Error: the disk is gone\n" });
  });

  it("starts nothing with a bad flag", async () => {
    const result = await new FakeMachine().run("serve", "--bind", "nowhere");
    expect(result).toMatchObject({
      code: 2,
      stderr: "Error: --bind must be host:port, such as 127.0.0.1:4000\n",
    });
  });
});

describe("up", () => {
  it.each([
    ["a terminal", 80, [], ["http://127.0.0.1:4000/"]],
    ["a terminal, told not to", 80, ["--no-open"], []],
    ["a pipe", undefined, [], []],
  ])("welcomes its user in %s", async (_where, columns, flags, opened) => {
    const { module, started } = fakeModule();
    const machine = new FakeMachine({ daemon: module, env: { NO_COLOR: "1" }, ...(columns && { columns }) });
    const result = machine.run("up", ...flags);
    await started;
    machine.signal("SIGINT");
    expect((await result).stdout).toMatch(/^Kheish console ready at http:\/\/127\.0\.0\.1:4000\/\n/);
    expect(machine.openedUrls).toEqual(opened);
  });

  it("takes every flag of serve, makes a master key and needs no route", async () => {
    const { module, started } = fakeModule();
    const machine = new FakeMachine({ daemon: module });
    const result = machine.run("up", "--bind", "127.0.0.1:0", "--no-open", "--state-root", "/somewhere");
    expect(await started).toMatchObject({
      bind: { host: "127.0.0.1", port: 0 },
      stateRoot: "/somewhere",
      allowEmptyRoutes: true,
      createMasterKey: true,
    });
    machine.signal("SIGINT");
    expect((await result).code).toBe(0);
  });

  it("serves also where no browser can be opened, and says where to look", async () => {
    const { module, started } = fakeModule();
    const machine = new FakeMachine({ daemon: module, columns: 80, hasNoBrowser: true });
    const result = machine.run("up");
    await started;
    machine.signal("SIGTERM");
    const { code, stderr } = await result;
    expect(code).toBe(0);
    expect(stderr).toContain("no browser could be opened; the console is at http://127.0.0.1:4000/");
  });
});
