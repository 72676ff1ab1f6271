import { encodeSegment } from "@kheish/contract";

const OF_A_RUN = /^runs\/([^/]+)(?:\/(.+))?$/;

/**
 * A run is a part of its session: `runs/R/stream` is the session's `stream`, `runs/R` one of its `runs`. A token for
 * sessions thereby reaches their runs, whose ids say nothing about where they belong.
 */
export async function withSessionsOfRuns(
  resources: readonly string[],
  sessionOfRun: (runId: string) => Promise<string | undefined>,
): Promise<string[]> {
  const found = await Promise.all(
    resources.map(async (resource) => {
      const [, runId, rest = "runs"] = OF_A_RUN.exec(resource) ?? [];
      const sessionId = runId === undefined ? undefined : await sessionOfRun(decodeURIComponent(runId));
      return sessionId === undefined ? [] : [`sessions/${encodeSegment(sessionId)}/${rest}`];
    }),
  );
  return [...resources, ...found.flat()];
}
