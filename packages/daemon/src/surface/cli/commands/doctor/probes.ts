import type { DaemonStatusView } from "@kheish/contract";
import type { DaemonClient } from "../../client/client.ts";
import { messageOf } from "../../errors.ts";
import { type Check, failed, passed } from "./check.ts";

const READINESS_TIMEOUT_MS = 3_000;

export type StatusProbe =
  | { status: DaemonStatusView; error?: undefined }
  | { status?: undefined; error: string };

export async function probeStatus(client: DaemonClient): Promise<StatusProbe> {
  try {
    return { status: await client.call("status") };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

export async function probeReadiness(client: DaemonClient): Promise<Check> {
  try {
    await client.call("readyz", { timeoutMs: READINESS_TIMEOUT_MS });
    return passed("readyz", "readyz_reachable", "the daemon is ready");
  } catch (error) {
    return failed("readyz", "readyz_unreachable", messageOf(error));
  }
}

/** Reads the first frame: a proxy that buffers answers every request but streams nothing. */
export async function probeEventStream(client: DaemonClient): Promise<Check> {
  try {
    for await (const _frame of client.stream("eventsStream", { query: { cursor: "0" } })) break;
    return passed("events_stream", "events_reachable", "events arrive");
  } catch (error) {
    const action = "let no proxy buffer or cache /v1/events/stream";
    return failed("events_stream", "events_unreachable", messageOf(error), action);
  }
}

/** Asks as a browser would, before it lets a page of this origin call the daemon. */
export async function probeCors(client: DaemonClient, origin: string): Promise<Check> {
  try {
    const allowed = await client.preflight(origin);
    if (allowed === origin || allowed === "*") {
      return passed("cors", "control_plane_cors", `browsers may call the daemon from ${origin}`);
    }
    const flag = origin.startsWith("https://")
      ? "--http-cors-allow-hosted-origin"
      : "--http-cors-allow-origin";
    const action = `start the daemon with ${flag} ${origin}`;
    return failed("cors", "control_plane_cors", `the daemon does not accept ${origin}`, action);
  } catch (error) {
    return failed("cors", "control_plane_cors", messageOf(error));
  }
}
