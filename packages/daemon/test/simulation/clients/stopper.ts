import type { TaskRecord } from "@kheish/contract";
import type { Facts } from "../invariants/facts.ts";
import type { World } from "../world/world.ts";
import type { Client } from "./client.ts";

const LOOKS = 8;
const LOOK_MS = 400;

/** Somebody who stops the first command that runs in a session, if they meet one. */
export async function stopTask(world: World, facts: Facts, client: Client, session: string): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    if (await stopFirst(world, facts, client, session)) return;
    await client.sleep(LOOK_MS);
  }
}

async function stopFirst(world: World, facts: Facts, client: Client, session: string): Promise<boolean> {
  const listed = await client.insist("listTasks", {
    params: { session_id: session },
    query: { status: "in_progress" },
  });
  const [task] = listed.status === 200 ? (listed.json as unknown as TaskRecord[]) : [];
  if (task === undefined) return false;
  const params = { session_id: session, task_id: task.id };
  const { status, code, json } = await client.insist("stopTask", { params, body: { reason: "enough" } });
  world.mark(`task stopped: ${code ?? (json as unknown as TaskRecord).status}`);
  const known = facts.tasks.get(`${session}/${task.id}`);
  const isAsked = known?.stopRequestedAt !== undefined || known?.status !== "in_progress";
  if (status !== 200 || !isAsked)
    world.violate("acknowledged", `stopping ${task.id} is answered ${status}, and no commit says so`);
  return true;
}
