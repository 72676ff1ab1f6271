import type { ToolPort, ToolSpec } from "../ports.ts";
import type { SessionRecord } from "../records.ts";
import { isCapable } from "../scopes/narrow.ts";

/**
 * A session may hide tools from its agent, by its overrides and, built-in ones included, by its capability scope; what
 * is enabled wins only over what the daemon hides by default.
 */
export function isVisible(
  { tool_overrides: overrides, capability_scope: scope, hook_agent }: SessionRecord,
  toolName: string,
): boolean {
  if (hook_agent !== undefined && !hook_agent.tools.includes(toolName)) return false;
  if (overrides?.disable?.includes(toolName) === true) return false;
  const says = scope?.tool_allow !== undefined || scope?.tool_deny !== undefined;
  return scope === undefined || !says || isCapable(scope, "tool", toolName);
}

export function visibleTools(tools: ToolPort, session: SessionRecord): ToolSpec[] {
  return tools
    .all()
    .filter((tool) => tool.unlisted !== true && isVisible(session, tool.name))
    .map(({ name, description, input_schema }) => ({ name, description, input_schema }));
}
