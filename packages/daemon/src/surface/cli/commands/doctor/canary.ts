import { isTerminal, isWaiting, type RunView } from "@kheish/contract";
import type { DaemonClient } from "../../client/client.ts";
import type { CliClock } from "../../context.ts";
import { messageOf } from "../../errors.ts";
import { waitForRun } from "../../wait.ts";

export interface CanaryRow {
  route_id: string;
  state: "passed" | "failed" | "timeout";
  session_id?: string;
  run_id?: string;
  message?: string;
}

const TOKEN = "KHEISH_ROUTE_CANARY_OK";
const PROMPT = `Answer with exactly this word and nothing else: ${TOKEN}`;
const POLL_INTERVAL_MS = 250;

/** An ordinary run in a session of its own, pinned to the route (02-R46). */
export async function sendCanary(
  client: DaemonClient,
  clock: CliClock,
  routeId: string,
  timeoutMs: number,
): Promise<CanaryRow> {
  const row: CanaryRow = { route_id: routeId, state: "failed" };
  try {
    const { session_id } = await client.call("createSession", { body: {} });
    row.session_id = session_id;
    const body = { content: PROMPT, provider: routeId };
    const submitted = await client.call("submitRun", { params: { session_id }, body });
    row.run_id = submitted.run_id;
    const limits = { pollIntervalMs: POLL_INTERVAL_MS, graceMs: 0, timeoutMs };
    const { run = submitted } = await waitForRun(client, submitted.run_id, clock, limits);
    if (!isTerminal(run.status)) await client.call("cancelRun", { params: { run_id: run.run_id } });
    await client.call("endSession", { params: { session_id }, body: { reason: "route canary" } });
    return { ...row, ...verdict(run) };
  } catch (error) {
    return { ...row, message: messageOf(error) };
  }
}

function verdict(run: RunView): Pick<CanaryRow, "state" | "message"> {
  if (run.status === "completed") {
    const answered = run.outputs?.some(({ content }) => content.includes(TOKEN));
    return answered ? { state: "passed" } : { state: "failed", message: `the answer does not hold ${TOKEN}` };
  }
  if (isTerminal(run.status) || isWaiting(run.status)) {
    return { state: "failed", message: run.error ?? `the run is ${run.status}` };
  }
  return { state: "timeout", message: `the run is still ${run.status}` };
}
