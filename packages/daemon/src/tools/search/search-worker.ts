import { parentPort, workerData } from "node:worker_threads";
import { search } from "./engine.ts";
import type { GrepMatch, SearchMessage, SearchRequest } from "./protocol.ts";

/** Entry of the worker thread: one search, then the end. */
function post(message: SearchMessage<string | GrepMatch>): void {
  parentPort?.postMessage(message);
}

try {
  const end = search(workerData as SearchRequest, (item) => post({ type: "found", item }));
  post({ type: "done", ...end });
} catch (error) {
  // Only compiling the pattern throws a SyntaxError; anything else is a bug and ends the worker.
  if (!(error instanceof SyntaxError)) throw error;
  post({ type: "refused", reason: error.message });
}
