import type { RunView } from "@kheish/contract";
import type { World } from "../world/world.ts";
import { Client } from "./client.ts";

const ROUND_MS = 700;
/** Longer than whoever was meant to answer takes, at most. */
const PATIENCE_MS = 8_000;

/**
 * Comes when nothing goes wrong any more and answers what nobody else does, as it finds it in the public lists:
 * what waits and is not listed would wait for ever.
 */
export async function takeCare(world: World, isOver: () => boolean): Promise<void> {
  const client = new Client(world, "caretaker");
  const goals = world.plan.interventions.flatMap((one) => (one.kind === "goal" ? [one.session] : []));
  const firstSeen = new Map<string, number>();
  while (!isOver()) {
    // Whoever wants a goal may come late; one that nobody ends goes on for ever.
    for (const session of goals) await client.insist("clearGoal", { params: { session_id: session } });
    const query = { status: "waiting_for_approval,waiting_for_user_question" };
    const { json } = await client.insist("listRuns", { query });
    for (const run of json as unknown as RunView[]) {
      await answer(client, run, (requestId) => {
        const key = `${run.run_id}/${requestId}`;
        const since = firstSeen.get(key) ?? world.scheduler.now;
        firstSeen.set(key, since);
        return world.scheduler.now - since >= PATIENCE_MS;
      });
    }
    await client.sleep(ROUND_MS);
  }
}

async function answer(
  client: Client,
  run: RunView,
  isForgotten: (requestId: string) => boolean,
): Promise<void> {
  const params = { run_id: run.run_id };
  for (const { id } of run.pending_approvals ?? []) {
    if (!isForgotten(id)) continue;
    const resolutions = [{ request_id: id, behavior: "allow" }];
    await client.insist("resolveRunApprovals", { params, body: { resolutions } });
  }
  for (const { id, questions } of run.pending_questions ?? []) {
    if (!isForgotten(id)) continue;
    const answers = questions.map((question) => ({
      question_id: question.id,
      selected_option_ids: [question.options[0]?.id ?? ""],
    }));
    const resolution = { request_id: id, answers, declined: false };
    await client.insist("answerRunQuestion", { params, body: { resolution } });
  }
}
