import type { RunDebugArtifact } from "@kheish/contract";
import type { ModelRequest } from "../../engine/index.ts";

type Artifacts = readonly Pick<RunDebugArtifact, "artifact_id">[];

/** Where a call stands in its run: `turn-0000`, as the run's events count turns (01-R101). */
export function placeOf({ kind, turn }: Pick<ModelRequest, "kind" | "turn">): string {
  return `${kind === "turn" ? "" : `${kind}-`}${numbered("turn", turn)}`;
}

export function attemptAt(place: string, attempt: number): string {
  return `${place}-${numbered("attempt", attempt)}`;
}

/** Attempts that were made at this place before: by a call that a death cut off, or on another route. */
export function attemptsAt(artifacts: Artifacts, place: string): number {
  const prefix = `${place}-attempt-`;
  const attempts = artifacts.map(({ artifact_id: id }) =>
    id.startsWith(prefix) ? Number.parseInt(id.slice(prefix.length), 10) : 0,
  );
  return Math.max(0, ...attempts);
}

/** Of what comes twice at one place, both are evidence: the later one says when it came (01-R101). */
export function freeId(wanted: string, artifacts: Artifacts, nowMs: number): string {
  const isTaken = artifacts.some(({ artifact_id }) => artifact_id === wanted);
  return isTaken ? `${wanted}-${nowMs}-${artifacts.length}` : wanted;
}

function numbered(name: string, value: number): string {
  return `${name}-${String(value).padStart(4, "0")}`;
}
