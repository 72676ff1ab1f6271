import type { SseFrame } from "../../../features/binding.ts";

const encoder = new TextEncoder();

/** Node adds `connection: keep-alive` where the client did not ask for the contrary. */
export const SSE_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** Frames that are kept as they are sent, for as long as somebody shows them; others are rare. */
const MOST_KEPT_BYTES = 16 * 1024;
const encoded = new WeakMap<SseFrame, Uint8Array>();

/** A frame that many watch is one object, and encoded once. */
export function encodeFrame(frame: SseFrame): Uint8Array {
  const known = encoded.get(frame);
  if (known !== undefined) return known;
  const bytes = encode(frame);
  if (bytes.byteLength <= MOST_KEPT_BYTES) encoded.set(frame, bytes);
  return bytes;
}

function encode(frame: SseFrame): Uint8Array {
  const id = frame.id === undefined ? "" : `id: ${frame.id}\n`;
  return encoder.encode(`${id}event: ${frame.event}\ndata: ${JSON.stringify(frame.data)}\n\n`);
}

/** Sent into silence, without an id: it was never history (01-R63). */
export const HEARTBEAT = encodeFrame({ event: "heartbeat", data: { type: "heartbeat" } });
