import { toolCallsOf } from "../messages.ts";
import type { Tool, ToolPort, ToolSpec } from "../ports.ts";
import type { SessionRecord } from "../records.ts";
import { isCapable } from "../scopes/narrow.ts";
import { skillAgainst } from "../skills/active.ts";
import { type Entry, type SessionState, visible } from "../state.ts";

/** Finds deferred tools; its results hold `{tools: [{name}]}`. */
export const SEARCH_TOOLS = "search_tools";

/** What definitions of deferrable tools may take of every prompt; beyond it they are searched for. */
const MAX_DEFERRABLE_CHARS = 32_768;

/**
 * A session may hide tools from its agent, by its overrides and, built-in ones included, by its capability scope; what
 * is enabled wins only over what the daemon hides by default. An active skill takes away what it does not leave.
 */
export function isVisible(session: SessionRecord, toolName: string): boolean {
  const { tool_overrides: overrides, capability_scope: scope, hook_agent } = session;
  if (skillAgainst(session, toolName) !== undefined) return false;
  if (hook_agent !== undefined && !hook_agent.tools.includes(toolName)) return false;
  if (overrides?.disable?.includes(toolName) === true) return false;
  const says = scope?.tool_allow !== undefined || scope?.tool_deny !== undefined;
  return scope === undefined || !says || isCapable(scope, "tool", toolName);
}

/** In words for the agent (03-R2). */
export function unavailable(session: SessionRecord, toolName: string): string {
  const skill = skillAgainst(session, toolName);
  return `tool '${toolName}' is unavailable for this agent${skill === undefined ? "" : ` while skill '${skill}' is active`}`;
}

/** Tools of MCP servers are the session's as far as its capability scope has them (03-R64). */
export function isWithinScope(session: SessionRecord, { name, mcp }: Pick<Tool, "name" | "mcp">): boolean {
  const { capability_scope: scope } = session;
  if (mcp === undefined || scope === undefined) return true;
  return isCapable(scope, "mcp_server", mcp.server) && isCapable(scope, "mcp_tool", name);
}

/**
 * What the next prompt shows. Deferrable tools are all there while they are few; when they would crowd the prompt, only
 * those that the conversation has found or called, and the tool that finds the others (03, weaknesses).
 */
export function visibleTools(tools: ToolPort, session: SessionRecord, state: SessionState): ToolSpec[] {
  const all = tools
    .all()
    .filter(
      (tool) => tool.unlisted !== true && isVisible(session, tool.name) && isWithinScope(session, tool),
    );
  const deferrable = all.filter((tool) => tool.deferrable === true);
  const isCrowded = deferrable.reduce((sum, tool) => sum + charsOf(tool), 0) > MAX_DEFERRABLE_CHARS;
  const met = isCrowded ? metIn(visible(state)) : undefined;
  return all
    .filter((tool) => {
      if (tool.name === SEARCH_TOOLS) return isCrowded;
      return met === undefined || tool.deferrable !== true || met.has(tool.name);
    })
    .map(({ name, description, input_schema }) => ({ name, description, input_schema }));
}

const sizes = new WeakMap<Tool, number>();

function charsOf(tool: Tool): number {
  const known = sizes.get(tool);
  if (known !== undefined) return known;
  const { name, description, input_schema } = tool;
  const chars = JSON.stringify({ name, description, input_schema }).length;
  sizes.set(tool, chars);
  return chars;
}

/** Names that the visible conversation has called, or has been told by a search. */
function metIn(entries: readonly Entry[]): Set<string> {
  const met = new Set<string>();
  for (const { message } of entries) {
    if (message.role === "assistant") for (const { name } of toolCallsOf(message)) met.add(name);
    if (message.role !== "tool") continue;
    for (const { tool_name, output } of message.results)
      if (tool_name === SEARCH_TOOLS) for (const name of namesIn(output)) met.add(name);
  }
  return met;
}

function namesIn(output: unknown): string[] {
  const found = (output as { tools?: unknown } | null)?.tools;
  if (!Array.isArray(found)) return [];
  return found.flatMap((tool: { name?: unknown } | null) =>
    typeof tool?.name === "string" ? [tool.name] : [],
  );
}
