import type { Json, JsonObject } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { until } from "../support/wait.ts";
import { useTaskWorlds } from "./task-world.ts";

const createWorld = useTaskWorlds();

function outputOf(result: { output: Json } | undefined): JsonObject {
  return (result?.output ?? {}) as JsonObject;
}

describe("03-R15 a command in the background", () => {
  test("03-R15 is a task of the session, and the call is answered at once", async () => {
    const world = await createWorld();
    const result = await world.result("bash", {
      command: "make all",
      run_in_background: true,
      description: "Build it",
    });
    expect(result).toMatchObject({
      success: true,
      stdout: "",
      stderr: "",
      exit_code: 0,
      backgrounded_by_user: true,
      background_task_id: expect.stringMatching(/^shell-task-[0-9a-f]{8}-\d+$/),
      task: { title: "Build it", status: "in_progress", owner_agent_id: "agent-1" },
    });
    expect(Object.keys(result).sort()).toEqual(
      "background_task_id backgrounded_by_user exit_code stderr stdout success task".split(" "),
    );
    await until("the command to run", () => world.machine.shells.length === 1);
    const id = String(result.background_task_id);
    expect(world.machine.last.request).toMatchObject({
      command: "make all",
      env: { PATH: "/bin", KHEISH_SHELL_TASK_ID: id },
      guarded: true,
    });
    await until("its process to be noted", async () => "pid" in (await world.metadata(id)));
    expect(await world.metadata(id)).toMatchObject({
      kind: "background_shell",
      command: "make all",
      workdir: ".",
      tool_call_id: "call-1",
      created_by_run_id: "run-1",
      started_in_background: true,
      pid: 1_000,
      process_group_id: 1_000,
      process_started_at: "boot:1000",
      identity_token: id,
      output_file_path: expect.stringContaining("task-output/"),
      sandbox: "none",
      recovered_on_boot: false,
      cancelled: false,
      killed_for_size: false,
      stop_requested: false,
    });
  });

  test("04-R46 ends with its exit code, and its output outlives the file that it stood in", async () => {
    const world = await createWorld();
    const id = await world.begin();
    world.machine.last.write("line 1\nline 2\n");
    await until("the output to be written", () => world.machine.outputs.files.size === 1);
    expect(await world.output(id)).toMatchObject({
      retrieval_status: "not_ready",
      output_excerpt: "line 1\nline 2\n",
      output_total_bytes: 14,
    });
    world.machine.last.end(0);
    expect(await world.over(id)).toMatchObject({ status: "completed", output: "exited with code 0" });
    expect(world.machine.outputs.files.size).toBe(0);
    expect(await world.output(id, { full: "true" })).toMatchObject({
      retrieval_status: "success",
      output_text: "line 1\nline 2\n",
      output_truncated: false,
      output_size_bytes: 14,
      output_total_bytes: 14,
    });
    expect(await world.output(id, { tail_bytes: "7" })).toMatchObject({
      output_excerpt: "line 2\n",
      output_truncated: true,
    });
    const failing = await world.begin("false");
    world.machine.last.end(3);
    expect(await world.over(failing)).toMatchObject({
      status: "failed",
      metadata: { exit_code: 3 },
      output: "exited with code 3",
    });
  });

  test("04-R43 that cannot be started is a failed task that says so", async () => {
    const world = await createWorld();
    world.machine.refuses = new Error("E2BIG");
    const { background_task_id } = await world.result("bash", { command: "x", run_in_background: true });
    expect(await world.over(String(background_task_id))).toMatchObject({
      status: "failed",
      output: "the command could not be started",
    });
  });

  test("04-R49 04-R45 that is stopped is ended with its group, and is cancelled with the reason", async () => {
    const world = await createWorld();
    const id = await world.begin();
    const stopped = world.stop(id, "no longer needed");
    await until("the signal", () => world.machine.last.signals.length > 0);
    await world.rig.clock.advance(1_000);
    expect(await stopped).toMatchObject({
      status: "cancelled",
      output: "no longer needed",
      metadata: { cancelled: true, stop_requested: true, stop_reason: "no longer needed" },
    });
    expect(world.machine.last.signals).toEqual(["SIGTERM"]);
    expect(await world.stop(id), "what is over stays as it is").toMatchObject({ output: "no longer needed" });
    const { json } = await world.daemon.call("exportAudit");
    expect(JSON.stringify(json), "02 weakness 6: who stopped it").toContain(`tasks/${id}`);
  });

  test("04-R49 that does not obey is answered in_progress after 5 s, and killed all the same", async () => {
    const world = await createWorld();
    const id = await world.begin();
    world.machine.last.obeys = false;
    const task = world.stop(id);
    await until("the signal", () => world.machine.last.signals.length > 0);
    await world.rig.clock.advance(600);
    expect(world.machine.last.signals).toEqual(["SIGTERM", "SIGKILL"]);
    await world.rig.clock.advance(5_000);
    expect((await task).status).toBe("cancelled");
  });

  test("04 weakness 18: has a deadline", async () => {
    const world = await createWorld({ maxMs: 60_000 });
    const id = await world.begin();
    await world.rig.clock.advance(59_000);
    expect(world.machine.last.isGone).toBe(false);
    await world.rig.clock.advance(1_100);
    expect(await world.over(id)).toMatchObject({
      status: "failed",
      metadata: { terminal_reason: "deadline_exceeded" },
      output: expect.stringContaining("60000 ms"),
    });
  });

  test("04-R46 whose output cannot be kept is ended, and says that it was", async () => {
    const world = await createWorld();
    const id = await world.begin();
    world.machine.outputs.fault = new Error("no space left");
    world.machine.last.write("something");
    await until("the signal", () => world.machine.last.isGone);
    expect(await world.over(id)).toMatchObject({
      status: "failed",
      metadata: { terminal_reason: "output_capture_failed", output_capture_error: "no space left" },
    });
  });

  test("04-R48 that waits for an answer it cannot get is told once, and left alone", async () => {
    const world = await createWorld();
    const id = await world.begin();
    world.machine.last.write("Overwrite? [y/N]");
    await until("the output", () => world.machine.outputs.files.size === 1);
    await world.rig.clock.advance(50_000);
    await until("the flag", async () => (await world.metadata(id)).interactive_prompt_detected === true);
    await world.rig.clock.advance(60_000);
    await world.daemon.settle();
    const notices = await world.notices();
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain("seems to wait for an answer");
    expect(world.machine.last.isGone).toBe(false);
    const [run] = (await world.daemon.runs()).filter(({ kind }) => kind === "mailbox_delivery");
    expect(run?.request.source_kind).toBe("background_shell_stalled");
    expect(run?.input_metadata).toEqual({ daemon: { task_ids: [id] } });
  });

  test("at most 16 of one session run at a time", async () => {
    const world = await createWorld();
    for (let n = 0; n < 16; n++) await world.begin(`sleep ${n}`);
    expect(await world.refusal("bash", { command: "one more", run_in_background: true })).toContain(
      "16 commands run in the background already",
    );
  });

  test("that comes twice has another title, and is listed by its state", async () => {
    const world = await createWorld();
    const first = await world.begin("npm test");
    await world.begin("npm test");
    expect((await world.tasks()).map(({ title }) => title)).toEqual(["npm test", "npm test (2)"]);
    world.machine.shells[0]?.end(0);
    await world.over(first);
    expect((await world.tasks({ status: "in_progress" })).map(({ title }) => title)).toEqual([
      "npm test (2)",
    ]);
    const status = (await world.daemon.daemon.status()).tasks;
    expect(status).toMatchObject({ total: 2, live_background_shell_task_count: 1, completed: 1 });
  });
});

describe("04-R51 what became of it is told", () => {
  test("04-R51 to an idle session at once, by a run that answers where the command's run answered", async () => {
    const world = await createWorld();
    const id = await world.begin();
    world.machine.last.end(2);
    await world.over(id);
    await world.daemon.settle();
    const [run] = (await world.daemon.runs()).filter(({ kind }) => kind === "mailbox_delivery");
    expect(run).toMatchObject({
      status: "completed",
      request: { source_plugin: "daemon", source_kind: "background_shell_completed" },
    });
    expect(await world.notices()).toEqual([expect.stringContaining(`${id} (make all) is over: failed`)]);
  });

  test("04-R51 once the run that is at work is over, all in one", async () => {
    const world = await createWorld();
    const first = await world.begin("one");
    const second = await world.begin("two");
    const { run_id } = await world.run(["bash", { command: "in the foreground" }]);
    await until("the foreground command", () => world.machine.shells.length === 3);
    world.machine.shells[0]?.end(0);
    world.machine.shells[1]?.end(1);
    await until("both to be over", async () =>
      (await world.tasks()).every(({ status }) => status !== "in_progress"),
    );
    expect(await world.notices()).toEqual([]);
    world.machine.shells[2]?.end(0);
    await world.session.reaches(run_id, "completed");
    await until("the notice", async () => (await world.notices()).length > 0);
    await world.daemon.settle();
    const notices = await world.notices();
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(first);
    expect(notices[0]).toContain(second);
  });

  test("not again to a model that has seen it in the result of its own call", async () => {
    const world = await createWorld();
    const id = await world.begin();
    const { run_id } = await world.run(["task_output", { task_id: id }]);
    await until("the wait", async () => (await world.session.run(run_id)).status === "running");
    world.machine.last.write("built\n");
    world.machine.last.end(0);
    // Before the run is waited for: the clock must not go on to the end of its call while the command's end is on its way.
    await world.over(id);
    expect((await world.session.settled(run_id)).status).toBe("completed");
    const finished = (await world.session.events("tool_call_finished")).at(-1)?.result;
    expect(finished?.output).toMatchObject({
      retrieval_status: "success",
      output_excerpt: "built\n",
      task: { status: "completed" },
    });
    await world.rig.clock.advance(120_000);
    await world.daemon.settle();
    expect(await world.notices()).toEqual([]);
  });

  test("a session that is ended takes its commands with it, and wakes nobody", async () => {
    const world = await createWorld();
    const id = await world.begin();
    await world.session.call("endSession", { reason: "over" });
    await until("the end of the command", () => world.machine.last.isGone);
    expect(await world.over(id)).toMatchObject({
      status: "cancelled",
      output: "the session was ended",
    });
    await world.rig.clock.advance(120_000);
    expect(await world.notices()).toEqual([]);
  });
});

describe("04-R52 the daemon that runs a command", () => {
  test("04-R52 dies: the next one ends what is left, says so once, and starts nothing again", async () => {
    const world = await createWorld();
    const id = await world.begin();
    world.machine.last.write("half of it\n");
    await until("the output", () => world.machine.outputs.files.size === 1);
    const left = world.machine.last;
    await world.reboot();
    await until("the leftover to be signalled", () => left.isGone);
    expect(world.machine.signalled).toEqual(["SIGTERM group 1000"]);
    const task = await world.over(id);
    expect(task).toMatchObject({
      status: "failed",
      metadata: {
        terminal_reason: "daemon_restarted",
        recovered_on_boot: true,
        process_tree_shutdown_confirmed: true,
        process_tree_shutdown_matched_target: true,
        output_total_bytes: 11,
      },
    });
    expect((await world.output(id)).output_excerpt).toBe("half of it\n");
    await world.daemon.settle();
    expect(await world.notices()).toEqual([expect.stringContaining("the daemon that ran it went down")]);
    expect(world.machine.shells).toHaveLength(1);
  });

  test("04-R45 leaves a process alone that only has the number", async () => {
    const world = await createWorld();
    const id = await world.begin();
    world.daemon.kill();
    // The command is gone, and its number is somebody else's now.
    world.machine.last.end(0);
    world.machine.traces.startedAt = async () => "boot:another time";
    await world.reboot();
    expect(await world.over(id)).toMatchObject({ metadata: { process_tree_shutdown_matched_target: false } });
    expect(world.machine.signalled).toEqual([]);
  });

  test.each([
    ["that end when they are told to", true, 2],
    ["that have to be killed", false, 12],
  ])(
    "04-R45 its processes are looked for together: many commands %s cost as many looks as one",
    async (_, obey, looks) => {
      const world = await createWorld();
      const ids: string[] = [];
      for (let n = 0; n < 5; n++) {
        ids.push(await world.begin(`command ${n}`));
        world.machine.last.obeys = obey;
      }
      expect(world.machine.looks).toBe(0);
      await world.reboot();
      for (const id of ids) {
        const { metadata } = await world.over(id);
        expect(metadata).toMatchObject({
          process_tree_shutdown_confirmed: true,
          process_tree_shutdown_matched_target: true,
          process_tree_remaining_pids: [],
        });
      }
      expect(world.machine.shells.map(({ signals }) => signals)).toEqual(
        ids.map(() => (obey ? ["SIGTERM"] : ["SIGTERM", "SIGKILL"])),
      );
      expect(world.machine.looks).toBe(looks);
    },
  );

  test("03-R5 01-R99 is told to stop: the command is ended with it", async () => {
    const world = await createWorld();
    const id = await world.begin();
    await world.daemon.stop();
    expect(world.machine.last.isGone).toBe(true);
    await world.reboot();
    expect(await world.task(id)).toMatchObject({
      status: "failed",
      metadata: { terminal_reason: "daemon_restarted", recovered_on_boot: false },
    });
  });
});

describe("03, where the reference is weak: a foreground command at the ceiling", () => {
  test("goes on as a task, with what it wrote so far and what it writes from then on", async () => {
    const world = await createWorld();
    await world.daemon.call("setToolLimits", { body: { limits: { max_timeout_ms: 20_000 } } });
    const { run_id } = await world.run(["bash", { command: "long" }]);
    await until("the command", () => world.machine.shells.length === 1);
    world.machine.last.write("before\n");
    await world.rig.clock.advance(17_900);
    expect((await world.session.run(run_id)).status).toBe("running");
    await world.rig.clock.advance(200);
    await world.session.reaches(run_id, "completed");
    const result = (await world.session.events("tool_call_finished")).at(-1)?.result;
    expect(result).toMatchObject({
      is_error: false,
      output: { stdout: "before\n", backgrounded_by_user: false, task: { status: "in_progress" } },
    });
    const id = String(outputOf(result).background_task_id);
    await until("its process to be noted", async () => "pid" in (await world.metadata(id)));
    expect((await world.metadata(id)).started_in_background).toBe(false);
    expect(world.machine.last.isGone).toBe(false);
    world.machine.last.write("after\n");
    world.machine.last.end(0);
    expect((await world.over(id)).status).toBe("completed");
    expect((await world.output(id)).output_excerpt).toBe("before\nafter\n");
    expect(world.machine.shells, "it was not started again").toHaveLength(1);
  });

  test("is killed when its run does not come to say so", async () => {
    const world = await createWorld();
    await world.run(["bash", { command: "long" }]);
    await until("the command", () => world.machine.shells.length === 1);
    await world.session.call("interruptSession", {});
    await world.rig.clock.advance(240_000);
    expect(world.machine.last.isGone).toBe(true);
    expect(await world.tasks()).toEqual([]);
  });
});
