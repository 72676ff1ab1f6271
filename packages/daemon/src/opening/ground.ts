import { realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { LogFile } from "../features/logs/index.ts";
import { MetricsService } from "../features/metrics/index.ts";
import { tracedStore } from "../features/tracing/index.ts";
import type { Blobs } from "../kernel/blobs.ts";
import { openBlobsDirectory } from "../kernel/blobs-directory.ts";
import { systemClock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import { packageVersion } from "../kernel/package.ts";
import { systemRandom } from "../kernel/random.ts";
import { openStateRoot, type StateRoot } from "../kernel/state-root.ts";
import type { Store } from "../kernel/store.ts";
import type { ServeOptions } from "../surface/cli/serve-options.ts";
import { ControlPlaneAudit } from "../surface/control-plane-audit.ts";
import type { Env } from "./environment.ts";
import { type Logging, openLog } from "./log.ts";
import { advised, StartError } from "./start-error.ts";
import { openServingStore } from "./store.ts";
import { openTracing } from "./tracing.ts";

/** What everything else of a daemon stands on. */
export interface Ground extends Logging {
  options: ServeOptions;
  env: Env;
  /** Canonical. */
  workspaceRoot: string;
  /** Locked: no other daemon is on it. */
  stateRoot: StateRoot;
  /** Measured, and traced where that is wanted. */
  store: Store;
  blobs: Blobs;
  metrics: MetricsService;
  /** Where refused callers are written down. */
  refusals: ControlPlaneAudit;
}

/** What a collector gets to take the last traces. */
const TRACES_MS = 100;

const ROOT_ADVICE = {
  locked: "one daemon at a time uses a state root: stop that one, or name another with --state-root",
  unavailable: "the daemon's user has to be able to write in the state root; --state-root names another",
};
const SQLITE_ADVICE = {
  unavailable: ROOT_ADVICE.unavailable,
  full: "make room on its disk",
};
const POSTGRES_ADVICE = {
  unavailable: "see that the server runs, and that --store names its host, database and user",
};

/** What it opens is closed by `held`, the last first. */
export async function openGround(
  options: ServeOptions,
  env: Env,
  held: AsyncDisposableStack,
): Promise<Ground> {
  const logging = openLog(options);
  const { log, lines } = logging;
  const workspaceRoot = await workspace(options.workspaceRoot);
  const stateRoot = await advised(lockedStateRoot(options, log), ROOT_ADVICE);
  held.defer(() => stateRoot.release());
  const { file, kept } = await LogFile.open(stateRoot.path);
  held.defer(() => file.close());
  lines.goOn(kept, (place, line) => file.write(place, line));
  const opened = await advised(
    openServingStore(options.store, stateRoot.path, log),
    options.store === "sqlite" ? SQLITE_ADVICE : POSTGRES_ADVICE,
  );
  held.defer(() => opened.close());
  const metrics = new MetricsService({
    now: () => performance.now(),
    build: {
      version: packageVersion(),
      engine: opened.engine,
      schema_version: String(opened.schemaVersion),
    },
  });
  const tracing = await openTracing({
    isAsked: options.otel === true,
    env,
    store: opened,
    instanceId: stateRoot.instanceId,
    log,
  });
  held.defer(async () => tracing?.close(TRACES_MS));
  const refusals = await ControlPlaneAudit.open(stateRoot.path, log);
  held.defer(() => refusals.close());
  return {
    ...logging,
    options,
    env,
    workspaceRoot,
    stateRoot,
    store: metrics.store(tracing === undefined ? opened : tracedStore(opened, tracing)),
    blobs: await openBlobsDirectory(join(stateRoot.path, "blobs"), systemRandom),
    metrics,
    refusals,
  };
}

async function workspace(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new StartError(`--workspace-root ${path} is not a directory`);
  return realpath(path);
}

/** A daemon that replaces another meets the end of its drain. Nothing else keeps this process alive meanwhile. */
async function lockedStateRoot({ stateRoot, lockWaitMs = 0 }: ServeOptions, log: Log): Promise<StateRoot> {
  const alive = setInterval(() => undefined, lockWaitMs + 1_000);
  try {
    return await openStateRoot(stateRoot, systemRandom, {
      clock: systemClock,
      waitMs: lockWaitMs,
      onWait: (why) => log.info({ wait_ms: lockWaitMs }, `waiting for the state root: ${why}`),
    });
  } finally {
    clearInterval(alive);
  }
}
