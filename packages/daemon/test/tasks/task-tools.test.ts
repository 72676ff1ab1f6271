import type { JsonObject, TaskRecord } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { bodyOf, type TaskWorld, useTaskWorlds } from "./task-world.ts";

const createWorld = useTaskWorlds();

async function create(world: TaskWorld, title: string, more: JsonObject = {}): Promise<TaskRecord> {
  const { task } = await world.result("task_create", { title, ...more });
  await world.rig.clock.advance(1);
  return task as unknown as TaskRecord;
}

describe("task_create", () => {
  test("03-R78 makes a task of the session, with the run that made it", async () => {
    const world = await createWorld();
    const result = await world.result("task_create", {
      title: "  Write it ",
      description: "all of it",
      metadata: { area: "docs" },
    });
    expect(result).toEqual({
      task: {
        id: expect.stringMatching(/^task-\d+$/),
        title: "Write it",
        description: "all of it",
        status: "pending",
        blocked_by: [],
        blocks: [],
        metadata: { area: "docs", created_by_run_id: "run-1" },
        created_at_ms: world.rig.clock.now(),
        updated_at_ms: world.rig.clock.now(),
        revision: 1,
      },
      task_count: 1,
    });
    expect(await world.tasks()).toEqual([result.task]);
    const second = await world.result("task_create", {
      title: "In the same millisecond",
      metadata: "a word",
    });
    expect(second).toMatchObject({
      task: {
        id: `${(result.task as JsonObject).id}-1`,
        metadata: { created_by_run_id: "run-2", user_metadata: "a word" },
      },
      task_count: 2,
    });
  });

  test("03-R78 refuses a title that another open task has, ignoring case, and one that is blank", async () => {
    const world = await createWorld();
    const task = await create(world, "Write it");
    expect(await world.refusal("task_create", { title: "WRITE IT" })).toContain(`task '${task.id}'`);
    expect(await world.refusal("task_create", { title: "   " })).toContain("needs a title");
    await world.result("task_update", { task_id: task.id, status: "cancelled" });
    expect(await create(world, "write it")).toMatchObject({ title: "write it" });
    expect(await world.refusal("task_update", { task_id: task.id, status: "pending" })).toContain(
      "has the title",
    );
  });

  test("03-R78 refuses dependencies that are not there", async () => {
    const world = await createWorld();
    expect(await world.refusal("task_create", { title: "a", blocked_by: ["task-1"] })).toBe(
      "no task 'task-1' in this session",
    );
    expect(await world.tasks()).toEqual([]);
  });

  test.each([
    "created_by_run_id output_file_path tool_call_id pid process_group_id exit_code terminal_reason",
    "recovered_on_boot output_size_bytes output_total_bytes output_rotated output_rotation_count cancelled",
    "killed_for_size interactive_prompt_detected started_in_background reply_targets",
  ])("03-R79 refuses the daemon's own metadata: %s", async (keys) => {
    const world = await createWorld();
    const task = await create(world, "a task");
    for (const key of keys.split(" ")) {
      const metadata = { [key]: 1 };
      expect(await world.refusal("task_create", { title: key, metadata })).toContain(`'${key}'`);
      expect(await world.refusal("task_update", { task_id: task.id, metadata })).toContain(`'${key}'`);
      expect(await world.refusal("task_update", { task_id: task.id, remove_metadata_keys: [key] })).toContain(
        `'${key}'`,
      );
    }
    expect(
      await world.refusal("task_create", { title: "b", metadata: { kind: "background_shell" } }),
    ).toContain("background_shell");
  });
});

describe("task_update", () => {
  test("04-R39 merges metadata, then takes keys away", async () => {
    const world = await createWorld();
    const { id } = await create(world, "a", { metadata: { keep: 1, go: 2, change: 3 } });
    const task = await world.result("task_update", {
      task_id: id,
      metadata: { change: 4, add: 5 },
      remove_metadata_keys: ["go"],
    });
    expect(task).toMatchObject({
      revision: 2,
      metadata: { keep: 1, change: 4, add: 5, created_by_run_id: "run-1" },
    });
    expect(task.metadata).not.toHaveProperty("go");
  });

  test("03-R78 04-R39 waits for what blocks it, and is completed only with an outcome", async () => {
    const world = await createWorld();
    const first = await create(world, "first");
    const second = await create(world, "second", { blocked_by: [first.id] });
    expect(await world.task(first.id), "both ends know of each other").toMatchObject({ blocks: [second.id] });
    for (const status of ["in_progress", "completed"])
      expect(await world.refusal("task_update", { task_id: second.id, status, output: "x" })).toBe(
        `task '${second.id}' is blocked by '${first.id}', which is pending`,
      );
    expect(await world.refusal("task_update", { task_id: first.id, status: "completed" })).toContain(
      "non-empty 'output'",
    );
    expect(
      await world.refusal("task_update", { task_id: first.id, status: "completed", output: " " }),
    ).toContain("non-empty 'output'");
    await world.result("task_update", { task_id: first.id, status: "completed", output: "done" });
    expect(
      await world.result("task_update", { task_id: second.id, status: "in_progress" }),
      "04-R40 whoever begins it owns it",
    ).toMatchObject({ status: "in_progress", owner_agent_id: "agent-1" });
  });

  test("04-R39 dependencies are replaced, added to and taken from, in this order", async () => {
    const world = await createWorld();
    const [a, b, c] = [await create(world, "a"), await create(world, "b"), await create(world, "c")];
    const d = await create(world, "d", { blocked_by: [a.id] });
    const changed = await world.result("task_update", {
      task_id: d.id,
      blocked_by: [b.id],
      add_blocked_by: [c.id, a.id],
      remove_blocked_by: [b.id],
    });
    expect(changed.blocked_by).toEqual([c.id, a.id]);
    expect((await world.task(b.id)).blocks).toEqual([]);
    expect((await world.task(c.id)).blocks).toEqual([d.id]);
  });

  test("04 weakness 19: no circle of tasks that wait for each other, and nobody else's agent", async () => {
    const world = await createWorld();
    const [a, b] = [await create(world, "a"), await create(world, "b")];
    await world.result("task_update", { task_id: b.id, blocked_by: [a.id] });
    expect(await world.refusal("task_update", { task_id: a.id, blocked_by: [b.id] })).toContain(
      "would wait for itself",
    );
    expect(await world.refusal("task_update", { task_id: a.id, blocks: [a.id] })).toContain("itself");
    expect(await world.refusal("task_update", { task_id: a.id, owner_agent_id: "agent-9" })).toContain(
      "'agent-9' is no agent of this session",
    );
    expect((await world.task(a.id)).revision, "what was refused changed nothing").toBe(2);
  });

  test("03-R15 04-R41 leaves alone what the daemon says of a command", async () => {
    const world = await createWorld();
    const id = await world.begin();
    for (const edit of [{ status: "completed" }, { output: "done" }, { metadata: { a: 1 } }])
      expect(await world.refusal("task_update", { task_id: id, ...edit })).toContain("the daemon's to say");
    expect(await world.refusal("task_delete", { task_id: id })).toContain("still runs");
    expect(await world.result("task_update", { task_id: id, title: "The build" })).toMatchObject({
      title: "The build",
    });
    world.machine.last.end(0);
    await world.over(id);
    expect(await world.refusal("task_update", { task_id: id, metadata: { a: 1 } })).toContain("daemon's");
    expect(await world.result("task_delete", { task_id: id })).toMatchObject({ id, status: "completed" });
    expect(await world.tasks()).toEqual([]);
  });
});

describe("task_delete, task_stop and what reads", () => {
  test("04 weakness 19: whoever waited for a deleted task waits for it no longer", async () => {
    const world = await createWorld();
    const a = await create(world, "a");
    const b = await create(world, "b", { blocked_by: [a.id] });
    expect(await world.result("task_delete", { task_id: a.id })).toMatchObject({
      title: "a",
      blocks: [b.id],
    });
    expect(await world.task(b.id)).toMatchObject({ blocked_by: [] });
    expect(await world.result("task_update", { task_id: b.id, status: "in_progress" })).toMatchObject({
      status: "in_progress",
    });
  });

  test("04-R49 task_stop cancels what is no command", async () => {
    const world = await createWorld();
    const { id } = await create(world, "a");
    expect(await world.result("task_stop", { task_id: id, reason: "not needed" })).toMatchObject({
      status: "cancelled",
      output: "not needed",
    });
    expect(await world.result("task_stop", { task_id: id, reason: "again" })).toMatchObject({
      output: "not needed",
      revision: 2,
    });
  });

  test("04-R42 task_get, task_list and task_output", async () => {
    const world = await createWorld();
    const a = await create(world, "a");
    await create(world, "b");
    expect(await world.result("task_get", { task_id: a.id })).toEqual(a);
    expect(await world.result("task_list", { status: "pending" })).toEqual(await world.tasks());
    expect(await world.result("task_list", { status: "failed" })).toEqual([]);
    expect(await world.result("task_output", { task_id: a.id, wait: false })).toMatchObject({
      retrieval_status: "not_ready",
      task: { id: a.id },
    });
    await world.result("task_update", { task_id: a.id, status: "blocked" });
    expect(await world.result("task_output", { task_id: a.id })).toMatchObject({
      retrieval_status: "success",
    });
    expect(await world.refusal("task_get", { task_id: "task-0" })).toBe("no task 'task-0' in session 's'");
  });

  test("04-R42 a wait that is too long says timeout", async () => {
    const world = await createWorld();
    const id = await world.begin();
    const { run_id } = await world.run(["task_output", { task_id: id, timeout_ms: 4_000 }]);
    await world.session.settled(run_id);
    const { result } = (await world.session.events("tool_call_finished")).at(-1) ?? {};
    expect(result?.output).toMatchObject({ retrieval_status: "timeout", task: { status: "in_progress" } });
  });
});

describe("04 HTTP", () => {
  test("pages of tasks go on where they ended", async () => {
    const world = await createWorld();
    for (const title of ["a", "b", "c"]) await create(world, title);
    const first = await world.session.call("listTasks", undefined, { page: "true", limit: "2" });
    expect(first.json).toMatchObject({
      items: [{ title: "a" }, { title: "b" }],
      pagination: { total_count: 3, has_more: true, order: "created_at_ms_asc,task_id_asc" },
    });
    const { next_cursor } = first.json.pagination as { next_cursor: string };
    const rest = await world.session.call("listTasks", undefined, { cursor: next_cursor });
    expect(rest.json).toMatchObject({ items: [{ title: "c" }], pagination: { has_more: false } });
  });

  test("tasks and sessions that are not there are named", async () => {
    const world = await createWorld();
    await expect(world.task("task-1")).rejects.toMatchObject({ code: "task_not_found", status: 404 });
    await expect(world.stop("task-1")).rejects.toMatchObject({ code: "task_not_found" });
    await expect(world.daemon.call("listTasks", { params: { session_id: "nowhere" } })).rejects.toMatchObject(
      { code: "session_not_found" },
    );
  });

  test("04 weakness 29: each change is an event of the session", async () => {
    const world = await createWorld();
    const { id } = await create(world, "a");
    await world.result("task_update", { task_id: id, status: "in_progress" });
    await world.result("task_delete", { task_id: id });
    expect((await world.session.events("task_changed")).map(bodyOf)).toEqual([
      { task_id: id, change: "created", status: "pending" },
      { task_id: id, change: "updated", status: "in_progress" },
      { task_id: id, change: "deleted", status: "in_progress" },
    ]);
  });
});
