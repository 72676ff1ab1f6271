import { createHash } from "node:crypto";

/** What every provider takes as the name of a tool. */
const MAX_CHARS = 64;
const HASH_CHARS = 8;

/** Prefix of every tool that comes from an MCP server. */
export const MCP_PREFIX = "mcp__";

/**
 * The name of an upstream tool in the daemon (03-R59). A name that no provider would take is cut, with a digest of the
 * whole at its end, so that two long names do not become one.
 */
export function qualifiedName(server: string, tool: string): string {
  const name = `${MCP_PREFIX}${plain(server)}__${plain(tool)}`;
  if (name.length <= MAX_CHARS) return name;
  const digest = createHash("sha256").update(`${server}\n${tool}`).digest("hex").slice(0, HASH_CHARS);
  return `${name.slice(0, MAX_CHARS - HASH_CHARS - 1)}_${digest}`;
}

/** The tool of a server that a qualified name means, where the name itself says it whole. */
export function toolIn(server: string, name: string): string | undefined {
  const prefix = `${MCP_PREFIX}${plain(server)}__`;
  const tool = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return tool !== "" && qualifiedName(server, tool) === name ? tool : undefined;
}

function plain(part: string): string {
  return part === "" ? "_" : part.replace(/[^A-Za-z0-9_-]/gu, "_");
}
