import { DEFAULT_TOOL_LIMITS, type ToolContext } from "../../engine/ports.ts";
import type { BlobRef, Blobs } from "../../kernel/blobs.ts";
import { systemClock } from "../../kernel/clock.ts";
import { sha256Hex } from "../bytes.ts";

export class MemoryBlobs implements Blobs {
  readonly stored = new Map<string, Buffer>();

  async put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobRef> {
    const bytes =
      content instanceof Uint8Array ? Buffer.from(content) : Buffer.concat(await collect(content));
    const sha256 = sha256Hex(bytes);
    this.stored.set(sha256, bytes);
    return { sha256, sizeBytes: bytes.length };
  }

  async read(sha256: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const bytes = this.stored.get(sha256);
    return bytes === undefined ? undefined : collected([bytes]);
  }

  async stat(sha256: string): Promise<BlobRef | undefined> {
    const bytes = this.stored.get(sha256);
    return bytes === undefined ? undefined : { sha256, sizeBytes: bytes.length };
  }
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function* collected<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}

/** A call's context as the engine makes it, on the real clock. */
export function contextAt(root: string): ToolContext {
  return {
    session_id: "session-1",
    run_id: "run-1",
    call_id: "call-1",
    idempotency_key: "run-1/call-1",
    workspace_root: root,
    limits: DEFAULT_TOOL_LIMITS,
    blobs: new MemoryBlobs(),
    clock: systemClock,
    signal: new AbortController().signal,
  };
}
