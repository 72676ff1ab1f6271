import { KheishProblem, type RunStatus } from "@kheish/sdk";
import { infiniteQueryOptions, QueryClient, queryOptions } from "@tanstack/react-query";
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

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: ({ signal }) => kheish().api.status({ signal }),
});

/** Runs, the newest first, page by page as somebody scrolls; those of one session or in one state where asked for. */
export const runsQuery = (filter: { status?: readonly RunStatus[]; session_id?: string } = {}) =>
  infiniteQueryOptions({
    queryKey: ["runs", "newest", filter],
    queryFn: ({ pageParam, signal }) =>
      kheish()
        .runs.list({ ...filter, order: "desc", signal })
        .page({ cursor: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ pagination }) => pagination.next_cursor,
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

/** How a run moved. */
export const runEventsQuery = (runId: string) =>
  queryOptions({
    queryKey: ["run-events", runId],
    queryFn: ({ signal }) => kheish().api.runEvents({ params: { run_id: runId }, signal }),
  });

/** The daemon's routes, for whoever may see them. */
export const routesQuery = queryOptions({
  queryKey: ["routes"],
  queryFn: ({ signal }) => kheish().api.listRoutes({ signal }),
});

/** The daemon wants to know who asks. */
export function isSignInNeeded(error: unknown): boolean {
  return error instanceof KheishProblem && error.status === 401;
}
