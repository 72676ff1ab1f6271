import { parentPort, workerData } from "node:worker_threads";
import { sweep } from "./sweep.ts";

const { from, seeds } = workerData as { from: number; seeds: number };
const swept = await sweep(from, seeds, () => parentPort?.postMessage({ seed: true }));
parentPort?.postMessage({ swept });
