import { isTerminal, type RunView } from "@kheish/contract";
import type { Facts } from "../invariants/facts.ts";
import type { Intervention } from "../plan/plan.ts";
import type { World } from "../world/world.ts";
import { Client } from "./client.ts";
import { keepSecrets } from "./custodian.ts";
import { openSession } from "./open-session.ts";
import { stopTask } from "./stopper.ts";
import { holdTokens } from "./token-holder.ts";

const DRAIN_MS = 1_300;
/** An objective that is soon spent. */
const GOAL_TOKENS = 400;

/** Somebody who stops, pauses or steers at a moment that nobody chose. */
export async function intervene(
  world: World,
  facts: Facts,
  plan: Intervention,
  index: number,
): Promise<void> {
  const client = new Client(world, `intervener ${index}`);
  await client.sleep(plan.atMs);
  world.mark(`intervention: ${plan.kind}`);
  switch (plan.kind) {
    case "cancel":
      return cancel(world, facts, client, plan.submission);
    case "interrupt":
      await client.insist("interruptSession", {
        params: { session_id: plan.session },
        query: plan.clearQueue ? { clear_queue: "true" } : {},
      });
      return;
    case "goal":
      await openSession(client, plan.session);
      await client.insist("createGoal", {
        params: { session_id: plan.session },
        body: { objective: "get on with it", token_budget: GOAL_TOKENS },
        idempotencyKey: "goal",
      });
      return;
    case "custody":
      return keepSecrets(world, facts, client, plan.acts);
    case "tokens":
      return holdTokens(world, facts, client, plan.acts);
    case "stop_task":
      return stopTask(world, facts, client, plan.session);
    case "drain":
      return drain(world, plan.daemon, plan.downMs);
    case "pause": {
      const process = world.latest(plan.daemon);
      if (process !== undefined) world.pause(process, plan.forMs);
      return;
    }
    case "step_clock": {
      const process = world.latest(plan.daemon);
      if (process !== undefined) process.skewMs += plan.byMs;
    }
  }
}

async function cancel(world: World, facts: Facts, client: Client, submission: string): Promise<void> {
  const [runId] = facts.acknowledged.get(submission) ?? [];
  if (runId === undefined) return;
  const { status, json } = await client.insist("cancelRun", { params: { run_id: runId }, body: {} });
  const view = json as unknown as RunView;
  if (status !== 200 || !isTerminal(view.status)) {
    world.violate("acknowledged", `cancelling ${runId} is answered ${status} with ${view.status}`);
  } else if (facts.run(runId).endedSeq === undefined) {
    world.violate("acknowledged", `cancelling ${runId} is acknowledged, and no commit has ended it`);
  }
}

/** SIGTERM: what runs gets a moment, then the process ends, whatever it still had in hand. */
async function drain(world: World, slot: number, downMs: number): Promise<void> {
  const process = world.latest(slot);
  if (!process?.alive || !process.started || process.draining) return;
  process.draining = true;
  const begun = world.scheduler.now;
  await Promise.race([process.daemon.drain(DRAIN_MS), new Promise<void>((died) => process.onDeath(died))]);
  if (!process.alive) return;
  const took = world.scheduler.now - begun;
  world.mark("drained");
  if (process.daemon.isReady()) world.violate("settles", `${process.name} is ready while it drains`);
  if (took > DRAIN_MS * 1.5 && process.pauses === 0) {
    world.violate("settles", `${process.name} took ${took} ms to drain, ${DRAIN_MS} allowed`);
  }
  world.kill(process, `drained ${slot}`, downMs);
}
