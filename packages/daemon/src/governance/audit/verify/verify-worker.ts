import { parentPort } from "node:worker_threads";
import { type PageOptions, verifyPage } from "./page.ts";

/** Entry of a worker thread: pages in, reports out. */
export interface PageTask {
  bytes: Uint8Array;
  options: PageOptions;
}

parentPort?.on("message", ({ bytes, options }: PageTask) => {
  parentPort?.postMessage(verifyPage(bytes, options));
});
