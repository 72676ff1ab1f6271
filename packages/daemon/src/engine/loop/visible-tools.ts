import type { ToolPort, ToolSpec } from "../ports.ts";
import type { SessionRecord } from "../records.ts";

/** A session may hide tools from its agent; what is enabled wins only over what the daemon hides by default. */
export function isVisible(session: SessionRecord, toolName: string): boolean {
  if (session.hook_agent !== undefined && !session.hook_agent.tools.includes(toolName)) return false;
  return session.tool_overrides?.disable?.includes(toolName) !== true;
}

export function visibleTools(tools: ToolPort, session: SessionRecord): ToolSpec[] {
  return tools
    .all()
    .filter((tool) => tool.unlisted !== true && isVisible(session, tool.name))
    .map(({ name, description, input_schema }) => ({ name, description, input_schema }));
}
