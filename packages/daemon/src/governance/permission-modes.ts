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

/**
 * What planning may use, once: under the mode `plan` (03-R23), and by a child of the profile `plan`, which is shown
 * those that are its own to use. What the profile alone had in the reference and its mode denied is here for both, as far
 * as it changes nothing but the agent's own notes; tools of MCP servers and what writes to channels are for neither.
 */
const PLANNING: Readonly<Record<string, "mode" | "mode and profile">> = {
  read_file: "mode and profile",
  list_files: "mode and profile",
  glob_search: "mode and profile",
  grep_search: "mode and profile",
  web_fetch: "mode and profile",
  web_search: "mode and profile",
  list_mcp_resources: "mode",
  list_mcp_resource_templates: "mode",
  read_mcp_resource: "mode",
  list_skills: "mode and profile",
  read_channel_thread: "mode and profile",
  ask_operator: "mode",
  ask_user_question: "mode",
  request_parent_clarification: "mode and profile",
  spawn_agent: "mode",
  list_agents: "mode",
  list_agent_summaries: "mode",
  message_agent: "mode",
  wait_agent: "mode",
  get_agent: "mode",
  enter_plan_mode: "mode",
  exit_plan_mode: "mode",
  task_get: "mode and profile",
  task_list: "mode and profile",
  task_output: "mode",
  schedule_get: "mode and profile",
  schedule_list: "mode and profile",
  get_goal: "mode",
  emit_output: "mode and profile",
  task_create: "mode and profile",
  task_update: "mode and profile",
  task_stop: "mode and profile",
  task_delete: "mode and profile",
  todo_write: "mode and profile",
};

/** What may be used under the mode `plan`. */
export const PLAN_TOOLS: ReadonlySet<string> = new Set(Object.keys(PLANNING));

/** What a child of the profile `plan` is shown (03, child profiles). */
export const PLAN_PROFILE: ReadonlySet<string> = new Set(
  Object.entries(PLANNING).flatMap(([name, where]) => (where === "mode" ? [] : [name])),
);

/** What a child may be given, by the mode of its parent: under each of these it is nowhere less strict (03-R26). */
const NO_MORE_PERMISSIVE: Readonly<Record<PermissionMode, readonly PermissionMode[]>> = {
  plan: ["plan"],
  dontAsk: ["dontAsk"],
  default: ["default", "dontAsk", "plan"],
  acceptEdits: ["acceptEdits", "default", "dontAsk", "plan"],
  bypassPermissions: ["bypassPermissions", "acceptEdits", "default", "dontAsk", "plan"],
};

/**
 * The mode of a child (03-R26): what was wished for, where that is no more permissive than its parent's; without a wish
 * the parent's. Undefined: the wish has to be refused.
 */
export function childMode(parent: PermissionMode, wanted?: PermissionMode): PermissionMode | undefined {
  if (wanted === undefined) return parent;
  return NO_MORE_PERMISSIVE[parent].includes(wanted) ? wanted : undefined;
}

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
