import { setTimeout as pause } from "node:timers/promises";
import type { Daemon } from "./daemon.ts";
import { getJson } from "./http.ts";
import { closedLoop } from "./load.ts";
import { RawHttp } from "./raw-http.ts";

const AT_ONCE = 64;
const SCRIPT = {
  simulate: [
    { tool_calls: [{ name: "write_file", input: { path: "approved.txt", content: "yes" } }] },
    { text: "done" },
  ],
};

/** Runs `from` to `to`, each in a session of its own, brought to where they wait for an approval. */
export async function park(daemon: Daemon, from: number, to: number): Promise<void> {
  const http = new RawHttp(daemon.baseUrl);
  const before = await parkedCount(daemon);
  const body = JSON.stringify({ content: JSON.stringify(SCRIPT) });
  await closedLoop(AT_ONCE, to - from, async (index) => {
    const session = `parked-${from + index}`;
    await http.call("POST", "/v1/sessions", JSON.stringify({ session_id: session }));
    await http.call("POST", `/v1/sessions/${session}/runs`, body);
  });
  while ((await parkedCount(daemon)) < before + to - from) await pause(100);
}

export async function parkedCount(daemon: Daemon): Promise<number> {
  const list = `${daemon.baseUrl}/v1/runs?status=waiting_for_approval&page=true&limit=1`;
  const { pagination } = await getJson<{ pagination: { total_count: number } }>(list);
  return pagination.total_count;
}

/** Says yes to the parked run of that number; answers the ms until the run has ended. */
export async function approve(daemon: Daemon, number: number): Promise<number> {
  const session = `${daemon.baseUrl}/v1/sessions/parked-${number}`;
  const http = new RawHttp(daemon.baseUrl);
  const { snapshot } = await getJson<{ snapshot: { pending_approvals: { id: string }[] } }>(session);
  const resolutions = snapshot.pending_approvals.map(({ id }) => ({ request_id: id, behavior: "allow" }));
  const begun = performance.now();
  const answer = await http.call(
    "POST",
    `/v1/sessions/parked-${number}/approvals`,
    JSON.stringify({ resolutions }),
  );
  const took = performance.now() - begun;
  const { snapshot: after } = JSON.parse(answer) as { snapshot: { last_assistant_message: string } };
  if (after.last_assistant_message !== "done") throw new Error(`parked-${number} did not go on: ${answer}`);
  return took;
}
