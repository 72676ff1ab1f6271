import { type EndpointId, endpoints } from "@kheish/contract";

const ALL = Object.keys(endpoints) as EndpointId[];
export const WITH_BODY = ALL.filter((id) => "body" in endpoints[id]);
export const NEED_BODY = WITH_BODY.filter((id) => !("bodyOptional" in endpoints[id]));

/** Bodies that the contract allows, for endpoints that need one. */
export const BODIES: Partial<Record<EndpointId, unknown>> = {
  submitRun: { content: "x" },
  sessionInput: { content: "x" },
  endSession: {},
  putCapabilityScope: { capability_scope: null },
  putCredentialScope: { credential_scope: null },
  putRoutePolicy: { route_policy: null },
  putReplyTargets: { reply_targets: [] },
  putOperator: { operator: null },
  putToolOverrides: { tool_overrides: null },
  resolveRunApprovals: { resolutions: [{ request_id: "r", behavior: "allow" }] },
  resolveSessionApprovals: { resolutions: [{ request_id: "r", behavior: "allow" }] },
  resolveSessionApprovalRuns: { resolutions: [{ request_id: "r", behavior: "allow" }] },
  answerRunQuestion: { resolution: { request_id: "r", declined: true } },
  answerSessionQuestion: { resolution: { request_id: "r", declined: true } },
};

/** The endpoints below a session or a run, as far as the bodies they need stand above. */
export function endpointsBelow(parameter: "{session_id}" | "{run_id}"): EndpointId[] {
  return ALL.filter(
    (id) => endpoints[id].path.includes(parameter) && (id in BODIES || !NEED_BODY.includes(id)),
  );
}

/** Something for every parameter of an endpoint's path. */
export function paramsOf(endpoint: EndpointId, known: Record<string, string> = {}): Record<string, string> {
  const names = [...endpoints[endpoint].path.matchAll(/\{\*?(\w+)\}/g)].map(([, name]) => [name, "x"]);
  return { ...Object.fromEntries(names), ...known };
}

/** Bodies with one thing wrong, and where. */
export const WRONG_BODIES: [EndpointId, string, unknown, string][] = [
  ["createSession", "a number for an id", { session_id: 7 }, "/session_id"],
  ["createSession", "an unknown member", { session: "x" }, "/session"],
  [
    "createSession",
    "a scope with an unknown list",
    { capability_scope: { tools: [] } },
    "/capability_scope/tools",
  ],
  ["submitRun", "a number for the text", { content: 7 }, "/content"],
  ["submitRun", "an item of an unknown type", { input_items: [{ type: "video" }] }, "/input_items/0/type"],
  [
    "submitRun",
    "an item with an unknown member",
    { input_items: [{ type: "text", text: "x", b: 1 }] },
    "/input_items/0/b",
  ],
  [
    "submitRun",
    "an unknown generation setting",
    { content: "x", generation: { seed: 1 } },
    "/generation/seed",
  ],
  [
    "submitRun",
    "an output of no tokens",
    { content: "x", generation: { max_output_tokens: 0 } },
    "/generation/max_output_tokens",
  ],
  [
    "submitRun",
    "a reply target without plugin",
    { content: "x", reply_targets: [{ address: 1 }] },
    "/reply_targets/0/plugin",
  ],
  ["submitRun", "an empty binding key", { content: "x", binding_keys: [""] }, "/binding_keys/0"],
  [
    "submitRun",
    "an unknown requirement",
    { content: "x", completion_requirements: [{ type: "joy" }] },
    "/completion_requirements/0/type",
  ],
  ["sessionInput", "a list for a body", [], ""],
  ["sessionInput", "null", null, ""],
  ["interruptSession", "a member where none is taken", { now: true }, "/now"],
  ["endSession", "a number for the reason", { reason: 1 }, "/reason"],
  ["putRoutePolicy", "a policy that is text", { route_policy: "x" }, "/route_policy"],
  ["putRoutePolicy", "no policy at all", {}, "/route_policy"],
  [
    "putOperator",
    "a negative timeout",
    { operator: { approval_timeout_ms: -1 } },
    "/operator/approval_timeout_ms",
  ],
  ["putOperator", "an unknown member", { operator: { name: "x" } }, "/operator/name"],
  ["putToolOverrides", "text for a list", { tool_overrides: { disable: "bash" } }, "/tool_overrides/disable"],
  ["putReplyTargets", "null for a list", { reply_targets: null }, "/reply_targets"],
  ["resolveRunApprovals", "no resolutions", {}, "/resolutions"],
  [
    "resolveRunApprovals",
    "an unknown decision",
    { resolutions: [{ request_id: "r", behavior: "maybe" }] },
    "/resolutions/0/behavior",
  ],
  [
    "resolveRunApprovals",
    "an empty request id",
    { resolutions: [{ request_id: "", behavior: "allow" }] },
    "/resolutions/0/request_id",
  ],
  [
    "answerRunQuestion",
    "an answer without its request",
    { resolution: { declined: true } },
    "/resolution/request_id",
  ],
  [
    "answerRunQuestion",
    "an option that is a number",
    { resolution: { request_id: "r", answers: [{ question_id: "q", selected_option_ids: [1] }] } },
    "/resolution/answers/0/selected_option_ids/0",
  ],
  ["cancelRunQuestion", "a number for why", { justification: 1 }, "/justification"],
  ["setPermissionMode", "an unknown mode", { mode: "yolo" }, "/mode"],
  [
    "setPermissionMode",
    "a revision that is none",
    { mode: "plan", expected_revision: -1 },
    "/expected_revision",
  ],
  [
    "setBudget",
    "a limit below nothing",
    { scope: { kind: "daemon" }, limits: { model_calls: -1 } },
    "/limits/model_calls",
  ],
  ["createBudget", "an unknown scope", { scope: { kind: "moon" }, limits: {} }, "/scope/kind"],
  ["pruneRuns", "an age that is text", { older_than_ms: "1" }, "/older_than_ms"],
];
