import type { JsonObject, TaskStatus } from "@kheish/contract";
import type { Kept, StoredTask } from "../../../src/engine/index.ts";
import type { Op, PutOp, Store } from "../../../src/kernel/store.ts";
import type { Command } from "../world/commands.ts";
import type { World } from "../world/world.ts";
import type { Facts } from "./facts.ts";
import { runsIn } from "./outcomes.ts";

/** A stop that is this late has not been heard. */
const LATE_MS = 3_000;
const OVER: ReadonlySet<TaskStatus> = new Set(["completed", "failed", "cancelled"]);

/** A background command's record was written. */
export function onTask(world: World, facts: Facts, op: PutOp, ops: readonly Op[]): void {
  const stored = op.data as unknown as StoredTask;
  if (stored.shell === undefined) return;
  const { task, shell } = stored;
  const metadata = task.metadata as JsonObject;
  const known = facts.tasks.get(op.id);
  if (known === undefined) {
    const leased = ops.some((one) => one.op === "acquire-lease" && one.name === `shell-task/${op.id}`);
    if (!leased) world.violate("tasks", `${task.id} is begun without the lease of its daemon`);
  } else if (
    OVER.has(known.status) &&
    (known.status !== task.status || known.revision !== task.updated_at_ms)
  ) {
    world.violate("tasks", `${task.id} was ${known.status}, and ends again as ${task.status}`);
  }
  if (known !== undefined && !OVER.has(known.status) && OVER.has(task.status))
    onEnd(world, stored, known.stopRequestedAt);
  facts.tasks.set(op.id, {
    id: task.id,
    status: task.status,
    revision: task.updated_at_ms,
    host: shell.host,
    ...(metadata.stop_requested === true
      ? { stopRequestedAt: known?.stopRequestedAt ?? world.scheduler.now }
      : {}),
  });
}

/** What is said of a command's end is what the machine knows of it. */
function onEnd(world: World, { task }: StoredTask, stopRequestedAt?: number): void {
  const metadata = task.metadata as JsonObject;
  world.mark(`task: ${task.status}${metadata.terminal_reason ? ` ${metadata.terminal_reason}` : ""}`);
  const commands = world.commands.of(task.id);
  // With two daemons, one that is paused may not have been told yet.
  const isSure = world.plan.daemons === 1;
  if (isSure && commands.some(({ exit }) => exit === undefined))
    world.violate("tasks", `${task.id} is ${task.status}, and its command still runs`);
  const code = commands.at(-1)?.exit?.code;
  if (task.status === "completed" && code !== 0)
    world.violate("tasks", `${task.id} is completed, and its command ended with ${code}`);
  const lateMs = world.scheduler.now - Math.max(stopRequestedAt ?? Infinity, world.troubledUntilMs);
  if (task.status === "completed" && lateMs > LATE_MS)
    world.violate("tasks", `${task.id} goes on for ${lateMs} ms after it was told to stop`);
  if (task.status === "cancelled" && metadata.stop_requested !== true)
    world.violate("tasks", `${task.id} is cancelled, and nobody stopped it`);
}

/** A command begins when its task is on disk, in the daemon that the task names, and once. */
export function watchLaunch(world: World, facts: Facts, command: Command): void {
  world.mark("command launched");
  const task = [...facts.tasks.values()].find(({ id }) => id === command.task);
  if (task === undefined) {
    world.violate("tasks", `${command.task} runs, and no commit has begun it`);
    return;
  }
  if (task.host !== `daemon-${command.slot}`)
    world.violate("tasks", `${command.task} is ${task.host}'s, and runs in ${command.process}`);
  if (world.commands.of(command.task).length > 1)
    world.violate("tasks", `${command.task} is started a second time`);
}

/** No task is left without a daemon, no command without a task, and each end was told once. */
export async function checkTasks(world: World, facts: Facts, store: Store): Promise<void> {
  const told = new Map<string, number>();
  for (const { data } of await runsIn(store)) {
    const { daemon } = (data.input_metadata ?? {}) as { daemon?: { task_ids?: string[] } };
    for (const id of daemon?.task_ids ?? []) told.set(id, (told.get(id) ?? 0) + 1);
  }
  for (const [recordId, { id, status }] of facts.tasks) {
    if (!OVER.has(status)) world.violate("tasks", `${id} is ${status} when all is over`);
    const [stored] = (await store.getMany("task", [recordId])) as unknown as Kept<"task">[];
    if (stored?.data.task.status !== status)
      world.violate("tasks", `${id} is ${stored?.data.task.status}, written was ${status}`);
    if (told.get(id) !== 1) world.violate("tasks", `the end of ${id} was told ${told.get(id) ?? 0} times`);
    if ((await store.getLease(`shell-task/${recordId}`)) !== undefined)
      world.violate("growth", `${id} is still leased`);
  }
  for (const { task, exit } of world.commands.all)
    if (exit === undefined) world.violate("tasks", `the command of ${task} still runs when all is over`);
}
