import { otlpExport, Tracing, TracingUnavailable, tracingWanted } from "../features/tracing/index.ts";
import { systemClock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import { packageVersion } from "../kernel/package.ts";
import type { Store } from "../kernel/store.ts";
import type { Env } from "./environment.ts";

export interface TracingParts {
  /** Traces were asked for on the command line. */
  isAsked: boolean;
  env: Env;
  store: Store;
  instanceId: string;
  log: Log;
}

/** Traces that were asked for and cannot be had keep a daemon from starting; those a variable implies do not. */
export async function openTracing(parts: TracingParts): Promise<Tracing | undefined> {
  const { isAsked, env, store, instanceId, log } = parts;
  const wanted = tracingWanted(isAsked, env);
  if (wanted === undefined) return undefined;
  try {
    const exporter = await otlpExport({ version: packageVersion(), instanceId });
    return new Tracing({ store, exporter, log, clock: systemClock });
  } catch (error) {
    if (wanted === "flag" || !(error instanceof TracingUnavailable)) throw error;
    log.warn({}, `OTEL_* names a collector, but ${error.message}`);
    return undefined;
  }
}
