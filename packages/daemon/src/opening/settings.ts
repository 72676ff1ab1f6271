import { archiveOf } from "../archives.ts";
import type { DaemonSettings } from "../compose/world.ts";
import { DEFAULT_RUN_LIMITS, type RunLimits } from "../engine/index.ts";
import { systemClock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import { probeDirectory } from "../kernel/storage-probe.ts";
import { type Env, wholeNumber } from "./environment.ts";
import type { Ground } from "./ground.ts";

const CONCURRENCY = 256;
const THIRTY_MINUTES_MS = 30 * 60_000;

/** What the options and the environment say of a daemon, beside what is opened by them. */
export function daemonSettings(
  ground: Ground,
  parts: Required<Pick<DaemonSettings, "controlPlane" | "debug" | "sandbox">>,
): DaemonSettings {
  const { options, env, log, workspaceRoot, stateRoot, blobs } = ground;
  const { instanceId, path, lock } = stateRoot;
  const { permissionMode, modelBudget } = options;
  return {
    ...parts,
    instanceId,
    workspaceRoot,
    stateRoot: path,
    stateRootLock: lock,
    limits: runLimits(env, log),
    approvalTimeoutMs: options.approvalTimeoutMs,
    eventHistoryCapacity: options.eventHistoryCapacity,
    concurrency: CONCURRENCY,
    queuedLagThresholdMs: wholeNumber(env, "KHEISH_QUEUED_RUN_LAG_WARNING_THRESHOLD_MS", THIRTY_MINUTES_MS),
    staleThresholdMs: wholeNumber(env, "KHEISH_STALE_NON_TERMINAL_RUN_THRESHOLD_MS", THIRTY_MINUTES_MS),
    processId: process.pid,
    releaseRestoredCopy: options.resumeRestored === true,
    archive: () =>
      archiveOf({ stateRoot: path, store: options.store }, { instanceId, blobs, includeKeys: false }),
    probeStorage: () =>
      Promise.all(
        [
          { name: "state_root", path },
          { name: "workspace_root", path: workspaceRoot },
        ].map((root) => probeDirectory(root, { clock: systemClock, random: systemRandom })),
      ),
    ...(permissionMode === undefined ? {} : { permissionMode }),
    ...(modelBudget === undefined ? {} : { modelBudget }),
  };
}

/** 01-R87: a run without a ceiling may spend without end, so the operator hears of it. */
function runLimits(env: Env, log: Log): RunLimits {
  const maxTurns = wholeNumber(env, "KHEISH_AGENT_MAX_TURNS", DEFAULT_RUN_LIMITS.maxTurns);
  if (maxTurns === 0)
    log.warn({}, "KHEISH_AGENT_MAX_TURNS=0: RUNS HAVE NO TURN LIMIT and may spend without end");
  return { ...DEFAULT_RUN_LIMITS, maxTurns };
}
