import { McpServer } from "@modelcontextprotocol/server";
import type { ControlPlane } from "./plane.ts";
import { registerResources } from "./resources.ts";
import { registerTasks, TASKS } from "./tasks.ts";
import { registerTools, type Sleep } from "./tools.ts";

const INSTRUCTIONS =
  "Kheish runs agents durably. Submit work with kheish_submit_run and walk away: the run belongs to the daemon. " +
  "Come back with kheish_get_run, see what waits for a person with kheish_list_pending, and decide about it with " +
  "kheish_resolve_approval or kheish_answer_question.";

/** The daemon as an MCP server for one caller (03-A6). */
export function daemonMcpServer(plane: ControlPlane, version: string, sleep: Sleep): McpServer {
  const capabilities = { extensions: { [TASKS]: {} } };
  const server = new McpServer({ name: "kheish", version }, { instructions: INSTRUCTIONS, capabilities });
  registerTools(server, plane, sleep);
  registerTasks(server, plane);
  registerResources(server, plane);
  return server;
}
