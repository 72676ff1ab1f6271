/** The MCP client: servers, their tools beside the daemon's own, and what they need of the daemon. */
export { openConnection } from "./connection.ts";
export { ToolClash, UpstreamFailure } from "./connection-port.ts";
export type { AccountToken, Acting, McpCredentialPort, Secret, TokenNeed } from "./credential-port.ts";
export { type ServerProcessRequest, type StartServerProcess, startServerProcess } from "./process.ts";
export { McpServers } from "./servers.ts";
export type { ServerSpec } from "./spec.ts";
