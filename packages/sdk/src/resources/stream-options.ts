import type { StreamSource } from "../stream/follow.ts";

export interface StreamOptions {
  /** After which event to begin: `"start"` is everything, `"now"` what is still to come, else an event's id. */
  cursor?: "start" | "now" | (string & {}) | undefined;
  signal?: AbortSignal | undefined;
  /** Hears when the daemon took the stream, and when it is gone for now. */
  onConnection?: StreamSource["onConnection"];
}

export function cursorOf(cursor: string): string | undefined {
  if (cursor === "now") return undefined;
  return cursor === "start" ? "0" : cursor;
}
