import type { Facts } from "../invariants/facts.ts";
import type { SubmissionPlan, TurnPlan } from "../plan/plan.ts";
import type { Answer } from "../world/network.ts";
import type { World } from "../world/world.ts";
import { Client } from "./client.ts";
import { openSession } from "./open-session.ts";

/** Submits what the plan says, under a key until it is acknowledged, or once and never again. */
export async function submit(world: World, facts: Facts, plan: SubmissionPlan, copy: number): Promise<void> {
  const client = new Client(world, `submitter ${plan.id}${copy === 0 ? "" : `-${copy}`}`);
  await client.sleep(plan.atMs);
  await openSession(client, plan.session);
  const request = {
    params: { session_id: plan.session },
    body: { content: scriptOf(plan.turns), metadata: { submission: plan.id } },
    ...(plan.keyed ? { idempotencyKey: `key of ${plan.id}` } : {}),
  };
  const endpoint = plan.mode === "inline" ? "sessionInput" : "submitRun";
  const answer = plan.keyed ? await client.insist(endpoint, request) : await client.once(endpoint, request);
  if (answer === undefined) world.mark("submission unheard");
  else note(world, facts, plan, answer);
}

function note(world: World, facts: Facts, plan: SubmissionPlan, { status, code, json }: Answer): void {
  // An inline submission is also answered with how its run ended.
  const isRefused = status >= 400 && (plan.mode === "detached" || code === "session_busy");
  if (isRefused) facts.refused.set(plan.id, code ?? String(status));
  world.mark(isRefused ? `submission refused: ${code}` : "submission acknowledged");
  if (isRefused) return;
  facts.heard.add(plan.id);
  if (plan.mode === "inline") return;
  const runId = String(json.run_id);
  const known = facts.acknowledged.get(plan.id) ?? new Set();
  facts.acknowledged.set(plan.id, known.add(runId));
  if (facts.runs.get(runId)?.acceptedSeq === undefined) {
    world.violate("acknowledged", `${plan.id} is acknowledged as ${runId}, which no commit has accepted`);
  }
}

/** The turns as the simulator reads them. */
function scriptOf(turns: readonly TurnPlan[]): string {
  const simulate = turns.map(({ text, delayMs, chunks, error, calls }) => ({
    text,
    delay_ms: delayMs,
    chunks,
    chunk_delay_ms: chunks > 1 ? 5 : 0,
    ...(error === undefined ? {} : { error: { ...error, message: `planned ${error.status}` } }),
    tool_calls: calls.map(({ id, tool, input }) => ({ id, name: tool, input })),
  }));
  return JSON.stringify({ simulate: [...simulate, { text: "end: {{last_tool_output}}" }] });
}
