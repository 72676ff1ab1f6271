import {
  type CapabilityScope,
  type CredentialScope,
  type Json,
  type OperatorConfig,
  problem,
  type ReplyTargetInput,
  type RoutePolicy,
  type SetInputContractRequest,
  type SetOutputContractRequest,
  type ToolOverrides,
} from "@kheish/contract";
import type { Changer } from "../audit-port.ts";
import { inputContract, outputContract } from "../contracts/contracts.ts";
import { adminAction } from "../external-actions.ts";
import { digest } from "../ledger.ts";
import type { Kept } from "../records.ts";
import { isTopologyIdle } from "../transitions.ts";
import { normalizeReplyTargets } from "./reply-targets.ts";
import { isEmptyScope, normalizeScope } from "./scopes.ts";
import { type CommandDeps, transact } from "./transact.ts";

/** A session default as a client replaces it; null clears it. */
export type SessionSetting =
  | { name: "capability_scope"; value: CapabilityScope | null }
  | { name: "credential_scope"; value: CredentialScope | null }
  | { name: "route_policy"; value: RoutePolicy | null }
  | { name: "operator"; value: OperatorConfig | null }
  | { name: "tool_overrides"; value: ToolOverrides | null }
  | { name: "input_contract"; value: SetInputContractRequest | null }
  | { name: "output_contract"; value: SetOutputContractRequest | null }
  /** Null is remembered as a clear, which is not the same as never set (01-R17). */
  | { name: "reply_targets"; value: ReplyTargetInput[] | null };

/** These change what work means, so nobody may be at work (01-R15). */
const NEEDS_IDLE = new Set<SessionSetting["name"]>([
  "capability_scope",
  "credential_scope",
  "operator",
  "tool_overrides",
]);

/** Replaces one default; runs that exist keep what they captured (01-R16). */
export async function setSessionDefault(
  deps: CommandDeps,
  sessionId: string,
  setting: SessionSetting,
  by: Changer,
): Promise<void> {
  const value = normalize(deps, setting);
  await transact(deps, sessionId, (change, session) => {
    if (NEEDS_IDLE.has(setting.name)) requireIdle(session);
    if (value === undefined) change.clearSession(setting.name);
    else change.updateSession({ [setting.name]: value });
    change.emit("session_updated", { field: setting.name });
    const told = adminAction({
      ...by,
      target: `session/${setting.name}`,
      change: changeOf(setting.name, value),
    });
    change.audit({ ...told, session_id: sessionId, agent_id: session.data.agent_id });
  });
}

/** What work may do is told in full; the rest, which may be long and is nobody's authority, by its digest. */
function changeOf(name: SessionSetting["name"], value: unknown): Record<string, Json> {
  const json = (value ?? null) as Json;
  return NEEDS_IDLE.has(name) || name === "route_policy" ? { value: json } : { value_sha256: digest(json) };
}

function normalize(deps: CommandDeps, setting: SessionSetting): unknown {
  if (setting.name === "reply_targets") return normalizeReplyTargets(setting.value ?? []);
  if (setting.value === null) return undefined;
  switch (setting.name) {
    case "capability_scope":
    case "credential_scope": {
      const scope = normalizeScope(setting.value);
      return isEmptyScope(scope) ? undefined : scope;
    }
    case "route_policy":
      return normalizePolicy(deps, setting.value);
    case "tool_overrides":
      return checkOverrides(deps, setting.value);
    case "input_contract":
      return inputContract(setting.value);
    case "output_contract":
      return outputContract(setting.value);
    case "operator":
      return setting.value;
  }
}

/** Validated now, so that the session's next submission does not fail for it. */
function normalizePolicy(deps: CommandDeps, policy: RoutePolicy): RoutePolicy | undefined {
  const { route_id: alias, ...rest } = policy;
  const provider = policy.provider ?? alias;
  const { generation } = policy;
  deps.routes.resolve({
    ...(provider === undefined ? {} : { provider }),
    ...(generation?.model === undefined ? {} : { model: generation.model }),
    ...(generation?.fallback_model === undefined ? {} : { fallback_model: generation.fallback_model }),
  });
  const normal = { ...rest, ...(provider === undefined ? {} : { provider }) };
  return Object.keys(normal).length === 0 ? undefined : normal;
}

function checkOverrides(deps: CommandDeps, overrides: ToolOverrides): ToolOverrides | undefined {
  const named = [...(overrides.enable ?? []), ...(overrides.disable ?? [])];
  const unknown = named.find((name) => deps.tools.get(name) === undefined);
  if (unknown !== undefined) {
    throw problem(
      "runtime",
      "runtime_validation_failed",
      `tool_overrides names an unknown tool '${unknown}'`,
    );
  }
  return named.length === 0 ? undefined : overrides;
}

export function requireIdle(session: Kept<"session">): void {
  if (isTopologyIdle(session.data)) return;
  throw problem(
    "sessions",
    "session_not_idle",
    `session '${session.id}' has work in progress; wait for it, cancel it or interrupt the session`,
  );
}
