import { setTimeout as pause } from "node:timers/promises";
import type { Daemon } from "../support/daemon.ts";
import { getJson } from "../support/http.ts";
import { closedLoop } from "../support/load.ts";
import { RawHttp } from "../support/raw-http.ts";
import type { Side } from "./side.ts";

/** Fewer than the daemon drives at a time; and many, so that no queue grows long. */
const BUSY_SESSIONS = 200;
/** Longer than any round: what a session is given meanwhile is accepted and waits. */
const BUSY_MS = 3_600_000;
const PREPARED_AT_ONCE = 32;
const HELLO = JSON.stringify({ content: "hello" });

/** Submits behind runs that are busy; after a round the queues are cleared. */
export async function queuedSide(daemon: Daemon): Promise<Side> {
  const http = new RawHttp(daemon.baseUrl);
  const session = (index: number) => `/v1/sessions/queued-${index % BUSY_SESSIONS}`;
  const content = JSON.stringify({ simulate: [{ text: "late", delay_ms: BUSY_MS }] });
  const everywhere = (work: (index: number) => Promise<unknown>) =>
    closedLoop(PREPARED_AT_ONCE, BUSY_SESSIONS, work);
  await everywhere((index) =>
    http.call("POST", "/v1/sessions", JSON.stringify({ session_id: `queued-${index}` })),
  );
  return {
    name: "kheish, queued",
    async prepare() {
      await everywhere((index) => http.call("POST", `${session(index)}/runs`, JSON.stringify({ content })));
      await noRunIs(daemon, "queued");
    },
    submit: (index) => http.call("POST", `${session(index)}/runs`, HELLO),
    settle: () => everywhere((index) => http.call("POST", `${session(index)}/interrupt?clear_queue=true`)),
  };
}

/** Submits each run to a session of its own, where it begins at once. */
export function runningSide(daemon: Daemon): Side {
  const http = new RawHttp(daemon.baseUrl);
  let made = 0;
  let used = 0;
  return {
    name: "kheish, running",
    async prepare(total) {
      const first = made;
      made += total;
      await closedLoop(PREPARED_AT_ONCE, total, (index) =>
        http.call("POST", "/v1/sessions", JSON.stringify({ session_id: `running-${first + index}` })),
      );
    },
    submit: () => http.call("POST", `/v1/sessions/running-${used++}/runs`, HELLO),
    settle: () => noRunIs(daemon, "queued,running"),
  };
}

async function noRunIs(daemon: Daemon, statuses: string): Promise<void> {
  const list = `${daemon.baseUrl}/v1/runs?status=${statuses}&page=true&limit=1`;
  for (;;) {
    const { pagination } = await getJson<{ pagination: { total_count: number } }>(list);
    if (pagination.total_count === 0) return;
    await pause(50);
  }
}
