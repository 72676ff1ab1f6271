import { KheishProblem } from "@kheish/sdk";
import { QueryClient, queryOptions } from "@tanstack/react-query";
import { kheish } from "./client.ts";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The SDK repeats what may be repeated; what changes is told by the daemon's stream.
      retry: false,
      staleTime: 30_000,
    },
  },
});

const NEWEST = 100;

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: ({ signal }) => kheish().api.status({ signal }),
});

export const runsQuery = queryOptions({
  queryKey: ["runs", "newest"],
  queryFn: ({ signal }) => kheish().runs.list({ order: "desc", signal }).page({ limit: NEWEST }),
});

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: ({ signal }) => kheish().sessions.list({ signal }).toArray(),
});

export const runQuery = (runId: string) =>
  queryOptions({
    queryKey: ["run", runId],
    queryFn: async ({ signal }) => (await kheish().runs.get(runId, { signal })).view,
  });

export const sessionQuery = (sessionId: string) =>
  queryOptions({
    queryKey: ["session", sessionId],
    queryFn: async ({ signal }) => (await kheish().sessions.get(sessionId, { signal })).view,
  });

/** Runs that wait for a human, the longest first. */
export const waitingQuery = queryOptions({
  queryKey: ["runs", "waiting"],
  queryFn: ({ signal }) =>
    kheish()
      .runs.list({ status: ["waiting_for_approval", "waiting_for_user_question"], signal })
      .toArray(),
});

/** The daemon wants to know who asks. */
export function isSignInNeeded(error: unknown): boolean {
  return error instanceof KheishProblem && error.status === 401;
}
