import { checkpointAt } from "../context/checkpoint.ts";
import type { ContextPlan } from "../context/plan.ts";
import { announce } from "../hooks/announce.ts";
import type { SessionChange } from "../session-change.ts";
import type { Driver } from "./driver.ts";

/** A checkpoint and the session's note of where it stands. */
export async function writeCheckpoint(
  driver: Driver,
  change: SessionChange,
  plan: Extract<ContextPlan, { headSeq: number }>,
  summary?: { title: string; content: string },
): Promise<void> {
  await driver.sessionFor(change);
  const checkpoint = checkpointAt(driver.state, driver.runState, plan, summary);
  const seq = change.emit("checkpoint", { run_id: driver.run.id, checkpoint });
  change.updateSession({ checkpoint_seq: seq, checkpoint_count: change.session.checkpoint_count + 1 });
  if (plan.kind === "snip") return;
  announce(driver.deps.hooks, change, driver.session, "post_compact", {
    runId: driver.run.id,
    subject: checkpoint.trigger,
    place: ["post_compact", seq],
    payload: {
      trigger: checkpoint.trigger,
      strategy: plan.kind,
      messages_removed: plan.removed,
      pre_tokens: checkpoint.pre_tokens,
      post_tokens: checkpoint.post_tokens,
    },
  });
}
