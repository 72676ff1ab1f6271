import type { PermissionMode } from "@kheish/contract";
import type { Decision } from "../engine/ports.ts";

/** What a mode did to a decision (03, PermissionAudit). */
export type ModeEffect =
  | "bypass_permissions_auto_allowed_approval"
  | "plan_mode_allowed_read_only_or_coordination_tool"
  | "plan_mode_denied_non_whitelisted_tool"
  | "accept_edits_auto_allowed_edit_approval"
  | "dont_ask_denied_approval";

const EDIT_TOOLS = new Set(["write_file", "edit_file", "apply_patch"]);

/** What may be used while planning (03-R23). */
export const PLAN_TOOLS: ReadonlySet<string> = new Set([
  "read_file",
  "list_files",
  "glob_search",
  "grep_search",
  "web_fetch",
  "web_search",
  "list_mcp_resources",
  "list_mcp_resource_templates",
  "read_mcp_resource",
  "list_skills",
  "read_channel_thread",
  "ask_operator",
  "ask_user_question",
  "request_parent_clarification",
  "spawn_agent",
  "list_agents",
  "list_agent_summaries",
  "message_agent",
  "wait_agent",
  "get_agent",
  "enter_plan_mode",
  "exit_plan_mode",
  "task_get",
  "task_list",
  "task_output",
  "schedule_get",
  "schedule_list",
  "get_goal",
]);

interface Transformed {
  decision: Decision;
  /** Absent when the mode had no say. */
  effect?: ModeEffect;
}

/** Bends the rules' decision by the mode in force (03-R22). An explicit deny survives every mode. */
export function underMode(base: Decision, mode: PermissionMode, tool: string): Transformed {
  if (base === "deny") return { decision: "deny" };
  if (mode === "plan") return whilePlanning(base, tool);
  if (base === "allow") return { decision: "allow" };
  if (mode === "bypassPermissions")
    return { decision: "allow", effect: "bypass_permissions_auto_allowed_approval" };
  if (mode === "dontAsk") return { decision: "deny", effect: "dont_ask_denied_approval" };
  if (mode === "acceptEdits" && EDIT_TOOLS.has(tool))
    return { decision: "allow", effect: "accept_edits_auto_allowed_edit_approval" };
  return { decision: "ask" };
}

/** A listed tool that the rules allow is reported as allowed by the plan: the mode let it through. */
function whilePlanning(base: "allow" | "ask", tool: string): Transformed {
  if (!PLAN_TOOLS.has(tool)) return { decision: "deny", effect: "plan_mode_denied_non_whitelisted_tool" };
  if (base === "ask") return { decision: "ask" };
  return { decision: "allow", effect: "plan_mode_allowed_read_only_or_coordination_tool" };
}
