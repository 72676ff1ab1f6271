import { problem } from "@kheish/contract";
import { type Binding, bind, ok } from "../binding.ts";
import { LOG_CAPACITY, LOG_DEFAULT, type LogRing } from "./ring.ts";
import { logStream } from "./stream.ts";

export function logBindings(ring: LogRing): Binding[] {
  return [
    bind("logs", async ({ query: { limit, ...filter } }) => ok(ring.newest(limitIn(limit), filter))),
    bind("logStream", async ({ query: { cursor, ...filter }, lastEventId, signal }) => ({
      status: 200,
      stream: logStream(ring, filter, { cursor, lastEventId }, signal),
    })),
  ];
}

function limitIn(text: string | undefined): number {
  if (text === undefined || text.trim() === "") return LOG_DEFAULT;
  const limit = /^\d+$/.test(text.trim()) ? Number(text) : 0;
  if (limit > 0) return Math.min(limit, LOG_CAPACITY);
  throw problem("pagination", "invalid_limit", `limit must be a whole number from 1 to ${LOG_CAPACITY}`);
}
