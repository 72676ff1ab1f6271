import type { McpServerEntry } from "@kheish/contract";
import type { Tool } from "../../engine/ports.ts";
import type { UpstreamTool } from "./connection-port.ts";
import type { HeldCalls } from "./held-calls.ts";
import { mcpTool, type ToolServer } from "./mcp-tool.ts";
import { isOffered } from "./spec.ts";

/** Of the tools that a server lists, those that models may have; one that can be called as a task only is none. */
export function offeredTools(
  server: ToolServer,
  entry: McpServerEntry,
  listed: readonly UpstreamTool[],
  held: HeldCalls,
): Tool[] {
  return listed
    .filter(({ name, execution }) => isOffered(entry, name) && execution?.taskSupport !== "required")
    .map((tool) => mcpTool(server, tool, held));
}
