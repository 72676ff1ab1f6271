import type { Json, RunView } from "@kheish/contract";
import { type McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import type { ControlPlane } from "./plane.ts";

const LISTED = 50;
const JSON_TYPE = "application/json";

/** 03-A6: runs, their events and sessions as things to read. */
export function registerResources(server: McpServer, plane: ControlPlane): void {
  const recent = async (): Promise<RunView[]> => {
    const query = { limit: String(LISTED), page: "true", order: "desc" };
    const runs = await plane.call<RunView[] | { items: RunView[] }>("listRuns", { query });
    return Array.isArray(runs) ? runs : runs.items;
  };
  const contents = (uri: URL, value: Json) => ({
    contents: [{ uri: uri.href, mimeType: JSON_TYPE, text: JSON.stringify(value) }],
  });

  server.registerResource(
    "run",
    new ResourceTemplate("kheish://runs/{run_id}", {
      list: async () => ({
        resources: (await recent()).map(({ run_id, status, session_id }) => ({
          uri: `kheish://runs/${encodeURIComponent(run_id)}`,
          name: run_id,
          description: `${status}, in session ${session_id}`,
          mimeType: JSON_TYPE,
        })),
      }),
    }),
    { description: "A run: status, outputs, what it waits for", mimeType: JSON_TYPE },
    async (uri, variables) =>
      contents(uri, await plane.call("getRun", { params: { run_id: named(variables.run_id) } })),
  );
  server.registerResource(
    "run-events",
    new ResourceTemplate("kheish://runs/{run_id}/events", { list: undefined }),
    { description: "What happened in a run", mimeType: JSON_TYPE },
    async (uri, variables) =>
      contents(uri, await plane.call("runEvents", { params: { run_id: named(variables.run_id) } })),
  );
  server.registerResource(
    "session",
    new ResourceTemplate("kheish://sessions/{session_id}", { list: undefined }),
    { description: "A session: its settings and where it stands", mimeType: JSON_TYPE },
    async (uri, variables) =>
      contents(uri, await plane.call("getSession", { params: { session_id: named(variables.session_id) } })),
  );
}

function named(variable: string | string[] | undefined): string {
  return decodeURIComponent(Array.isArray(variable) ? (variable[0] ?? "") : (variable ?? ""));
}
