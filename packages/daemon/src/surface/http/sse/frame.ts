import type { SseFrame } from "../../../features/binding.ts";

const encoder = new TextEncoder();

/** Node adds `connection: keep-alive` where the client did not ask for the contrary. */
export const SSE_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** Sent into silence, without an id: it was never history (01-R63). */
export const HEARTBEAT = encodeFrame({ event: "heartbeat", data: { type: "heartbeat" } });

export function encodeFrame(frame: SseFrame): Uint8Array {
  const id = frame.id === undefined ? "" : `id: ${frame.id}\n`;
  return encoder.encode(`${id}event: ${frame.event}\ndata: ${JSON.stringify(frame.data)}\n\n`);
}
