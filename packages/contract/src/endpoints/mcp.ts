import {
  AddMcpServerRequest,
  CallMcpToolRequest,
  McpReloadResult,
  McpRuntimeSnapshot,
  McpToolCallResult,
  RemovedMcpServer,
} from "../mcp.ts";
import { define } from "./parts.ts";

export const mcpEndpoints = define({
  getMcp: {
    method: "GET",
    path: "/v1/runtime/mcp",
    tag: "mcp",
    summary: "MCP servers, how each does and what tools it offers",
    access: "admin",
    responses: { 200: McpRuntimeSnapshot },
  },
  addMcpServer: {
    method: "POST",
    path: "/v1/runtime/mcp/servers",
    tag: "mcp",
    summary: "Connect to an MCP server and keep it",
    access: "admin",
    body: AddMcpServerRequest,
    responses: { 200: McpRuntimeSnapshot },
  },
  removeMcpServer: {
    method: "DELETE",
    path: "/v1/runtime/mcp/servers/{name}",
    tag: "mcp",
    summary: "Disconnect and forget an MCP server that was added at run time",
    access: "admin",
    responses: { 200: RemovedMcpServer },
  },
  reloadMcp: {
    method: "POST",
    path: "/v1/runtime/mcp/reload",
    tag: "mcp",
    summary: "Read the MCP configuration again and connect to what is not connected",
    access: "admin",
    responses: { 200: McpReloadResult },
  },
  callMcpTool: {
    method: "POST",
    path: "/v1/runtime/mcp/tools/{tool_name}/call",
    tag: "mcp",
    summary: "Call a loaded MCP tool",
    access: "admin",
    body: CallMcpToolRequest,
    bodyOptional: true,
    responses: { 200: McpToolCallResult },
  },
});
