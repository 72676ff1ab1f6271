import { problem } from "@kheish/contract";
import { type Binding, bind } from "../binding.ts";
import { LOG_CAPACITY, LOG_DEFAULT, type LogRing } from "./ring.ts";

export function logBindings(ring: LogRing): Binding[] {
  return [
    bind("logs", async (request) => ({ status: 200, json: ring.newest(limitIn(request.query.limit)) })),
  ];
}

function limitIn(text: string | undefined): number {
  if (text === undefined || text.trim() === "") return LOG_DEFAULT;
  const limit = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0;
  if (limit > 0) return Math.min(limit, LOG_CAPACITY);
  throw problem("pagination", "invalid_limit", `limit must be a whole number from 1 to ${LOG_CAPACITY}`);
}
