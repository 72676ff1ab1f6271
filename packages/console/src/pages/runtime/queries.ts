import { queryOptions } from "@tanstack/react-query";
import { kheish } from "../../app/client.ts";

/** What of the runtime every reader sees; the rest is for admins and is refused to others in words. */
export const runtimeQuery = queryOptions({
  queryKey: ["runtime"],
  queryFn: ({ signal }) => kheish().api.getRuntime({ signal }),
});
export const routesQuery = queryOptions({
  queryKey: ["routes"],
  queryFn: ({ signal }) => kheish().api.listRoutes({ signal }),
});
export const mcpQuery = queryOptions({
  queryKey: ["mcp"],
  queryFn: ({ signal }) => kheish().api.getMcp({ signal }),
});
export const secretsQuery = queryOptions({
  queryKey: ["secrets"],
  queryFn: ({ signal }) => kheish().api.listSecrets({ signal }),
});
export const rulesQuery = queryOptions({
  queryKey: ["rules"],
  queryFn: async ({ signal }) => (await kheish().api.listPermissionRules({ signal })).rules,
});
export const budgetsQuery = queryOptions({
  queryKey: ["budgets"],
  queryFn: async ({ signal }) => (await kheish().api.listBudgets({ signal })).budgets,
});
export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: ({ signal }) => kheish().api.listTokens({ signal }),
});
export const revisionsQuery = queryOptions({
  queryKey: ["revisions"],
  queryFn: async ({ signal }) => (await kheish().api.listRuntimeRevisions({ signal })).revisions,
});
export const diffQuery = (revision: number) =>
  queryOptions({
    queryKey: ["revisions", revision],
    queryFn: ({ signal }) =>
      kheish().api.diffRuntimeRevision({ params: { revision: String(revision) }, signal }),
  });
/** The revision is read first: who changes hooks that are newer than it is told so, and takes nothing back unseen. */
export const hooksQuery = queryOptions({
  queryKey: ["hooks"],
  queryFn: async ({ signal }) => {
    const { config } = await kheish().api.getRuntime({ signal });
    return { revision: config.revision, settings: await kheish().api.getHooks({ signal }) };
  },
});
export const hookLettersQuery = queryOptions({
  queryKey: ["hook-letters"],
  queryFn: ({ signal }) => kheish().api.listHookDeadLetters({ signal }),
});
