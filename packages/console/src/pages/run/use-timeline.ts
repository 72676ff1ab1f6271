import type { StreamFrame, Trace } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { kheish } from "../../app/client.ts";
import { runEventsQuery } from "../../app/queries.ts";
import { useFolded } from "../../app/use-folded.ts";
import type { Step } from "./step.ts";
import { stepsOf } from "./steps.ts";

const NONE: readonly Trace[] = [];

/** A run's steps from its journal, live until the run is over, across restarts of the daemon. */
export function useTimeline(runId: string): { steps: Step[]; error: unknown } {
  const events = useQuery(runEventsQuery(runId));
  const traces = useFolded(
    runId,
    (cursor, signal) => kheish().runs.stream(runId, { cursor, signal }),
    NONE,
    withTraces,
  );
  const steps = useMemo(() => stepsOf(traces.state, events.data ?? []), [traces.state, events.data]);
  return { steps, error: traces.error ?? events.error };
}

function withTraces(known: readonly Trace[], frames: readonly StreamFrame[]): readonly Trace[] {
  return [...known, ...frames.flatMap(({ data }) => (data.type === "trace" ? data.trace : []))];
}
