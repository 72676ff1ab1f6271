/** What debug evidence may take, and how long it is kept (01-R102). */
export interface DebugPolicy {
  /** After the end of its run; 0: until it is pruned. */
  ttlMs: number;
  gcIntervalMs: number;
  maxArtifactBytes: number;
  maxRunBytes: number;
  maxArtifactsPerRun: number;
  /** Of all runs together, as it is kept. */
  maxStoreBytes: number;
}

const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;
/** An artifact that is shorter says nothing. */
const MIN_ARTIFACT_BYTES = 512;

/** `read` gives the whole number that a variable holds, or else the default. */
export function debugPolicy(read: (variable: string, fallback: number) => number): DebugPolicy {
  return {
    ttlMs: read("KHEISH_DEBUG_TTL_MS", 7 * 24 * HOUR_MS),
    gcIntervalMs: Math.max(1, read("KHEISH_DEBUG_GC_INTERVAL_MS", HOUR_MS)),
    maxArtifactBytes: Math.max(MIN_ARTIFACT_BYTES, read("KHEISH_DEBUG_MAX_ARTIFACT_BYTES", 4 * MIB)),
    maxRunBytes: Math.max(MIN_ARTIFACT_BYTES, read("KHEISH_DEBUG_MAX_RUN_BYTES", 32 * MIB)),
    maxArtifactsPerRun: Math.max(1, read("KHEISH_DEBUG_MAX_ARTIFACTS_PER_RUN", 64)),
    maxStoreBytes: Math.max(MIN_ARTIFACT_BYTES, read("KHEISH_DEBUG_MAX_STORE_BYTES", 1024 * MIB)),
  };
}
