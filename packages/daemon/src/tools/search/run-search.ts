import { Worker } from "node:worker_threads";
import type { ToolContext } from "../../engine/ports.ts";
import { programFile } from "../../kernel/package.ts";
import { ToolFailure } from "../failure.ts";
import type { SearchEnd, SearchMessage, SearchRequest } from "./protocol.ts";

const WORKER = programFile("tools/search/search-worker");
const MAX_HEAP_MB = 256;
/** A search stops this much before the tool's timeout, to answer with what it has. */
const SHARE_OF_TIMEOUT = 0.8;

export interface SearchResult<Item> {
  items: Item[];
  /** Undefined when time ran out. */
  end: SearchEnd | undefined;
}

/**
 * Runs one search in a thread of its own. When time is up or the call is stopped the thread is ended,
 * whatever a hostile pattern keeps it busy with, and the daemon's own loop never waits for it.
 */
export function runSearch<Item>(
  request: SearchRequest,
  timeoutMs: number,
  context: ToolContext,
): Promise<SearchResult<Item>> {
  const { promise, resolve, reject } = Promise.withResolvers<SearchResult<Item>>();
  const items: Item[] = [];
  const worker = new Worker(WORKER, {
    workerData: request,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  const stop = () => reject(context.signal.reason);
  const budgetMs = SHARE_OF_TIMEOUT * Math.min(timeoutMs, context.limits.max_timeout_ms);
  const timer = context.clock.schedule(budgetMs, () => resolve({ items, end: undefined }));
  context.signal.addEventListener("abort", stop, { once: true });
  if (context.signal.aborted) stop();
  worker.on("message", (message: SearchMessage<Item>) => {
    if (message.type === "found") items.push(message.item);
    else if (message.type === "refused") reject(new ToolFailure(`invalid pattern: ${message.reason}`));
    else resolve({ items, end: { truncated: message.truncated, skipped: message.skipped } });
  });
  worker.on("error", (error) => reject(workerFailure(error)));
  return promise.finally(async () => {
    timer.cancel();
    context.signal.removeEventListener("abort", stop);
    await worker.terminate();
  });
}

function workerFailure(error: unknown): unknown {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY"
    ? new ToolFailure("the search needed too much memory; narrow 'base' or simplify the pattern")
    : error;
}
