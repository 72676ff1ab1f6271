import {
  type Json,
  type PermissionExplanation,
  type PermissionMatrix,
  PermissionMode,
} from "@kheish/contract";
import {
  type AuthorityPort,
  digest,
  inForce,
  isVisible,
  isWithinScope,
  listRules,
  type RuleBook,
  requireSession,
  type StandingRule,
  type ToolPort,
  unavailable,
} from "../../engine/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Store } from "../../kernel/store.ts";

export interface PermissionSources {
  store: Store;
  clock: Clock;
  authority: AuthorityPort;
  /** The rules of user and project scope. */
  rules: RuleBook;
  tools: ToolPort;
  /** The daemon-wide mode in force. */
  permissionMode: () => PermissionMode;
  workspaceRoot: string;
}

/** Names a call that nobody made. */
const DRY_CALL = "permission-check";

/** A session, and the rules that hold in it now; without one, those that hold everywhere. */
interface Place {
  session: Awaited<ReturnType<typeof requireSession>>["data"] | undefined;
  rules: readonly StandingRule[];
}

/** What would become of a call: no hook runs, no approval is allocated, nothing is written (03-R27). */
export class PermissionExplainer {
  readonly #sources: PermissionSources;

  constructor(sources: PermissionSources) {
    this.#sources = sources;
  }

  async explain(
    call: { id: string | undefined; name: string; input: Json },
    scope: { sessionId: string | undefined; mode: PermissionMode | undefined },
  ): Promise<PermissionExplanation> {
    const place = await this.#place(scope.sessionId);
    const mode = scope.mode ?? place.session?.permission_mode ?? this.#sources.permissionMode();
    return this.#explanation({ ...call, id: call.id ?? DRY_CALL }, place, mode);
  }

  /** Every tool that the daemon shows to models, under every mode. */
  async matrix(sessionId: string | undefined): Promise<PermissionMatrix> {
    const place = await this.#place(sessionId);
    const names = this.#sources.tools
      .all()
      .filter((tool) => tool.unlisted !== true)
      .map((tool) => tool.name);
    return {
      modes: PermissionMode.options.map((mode) => ({
        mode,
        tools: names.map((name) => this.#explanation({ id: DRY_CALL, name, input: {} }, place, mode)),
      })),
    };
  }

  async #place(sessionId: string | undefined): Promise<Place> {
    const { store, clock, rules } = this.#sources;
    const session = sessionId === undefined ? undefined : (await requireSession(store, sessionId)).data;
    const own = sessionId === undefined ? [] : (await listRules(store, sessionId)).map(({ data }) => data);
    const here = { nowMs: clock.now(), runId: session?.active_run_id };
    return { session, rules: inForce([...(await rules.rules()), ...own], here) };
  }

  /** Why the session's agent has no such tool, in the words that it is told. */
  #hidden(session: NonNullable<Place["session"]>, name: string): string | undefined {
    if (!isVisible(session, name)) return unavailable(session, name);
    const tool = this.#sources.tools.get(name);
    return tool === undefined || isWithinScope(session, tool)
      ? undefined
      : `tool '${name}' is not available in this session`;
  }

  #explanation(
    call: { id: string; name: string; input: Json },
    { session, rules }: Place,
    mode: PermissionMode,
  ): PermissionExplanation {
    const dry = { hooks_evaluated: false, hook_policy: "not_executed_in_dry_run" } as const;
    const hidden = session === undefined ? undefined : this.#hidden(session, call.name);
    if (hidden !== undefined) {
      const reason = hidden;
      return {
        tool_call_id: call.id,
        tool_name: call.name,
        effective_mode: mode,
        decision: "deny",
        approval_required: false,
        ...dry,
        scope: "session",
        reason,
        audit_preview: {
          scope: "session",
          tool_name: call.name,
          tool_call_id: call.id,
          decision: "deny",
          reason,
        },
      };
    }
    const { authority, workspaceRoot } = this.#sources;
    const { audit, required_approvals } = authority.decide(call, {
      mode,
      rules,
      updates: session?.hook_permissions ?? [],
      inputDigest: () => digest(call.input),
      workspaceRoot,
    });
    const seen = authority.seen(call, workspaceRoot);
    return {
      tool_call_id: call.id,
      tool_name: call.name,
      ...(this.#sources.tools.get(call.name) === undefined ? { tool_known: false as const } : {}),
      effective_mode: mode,
      decision: audit.decision,
      ...(audit.base_decision === undefined ? {} : { base_decision: audit.base_decision }),
      mode_applied: audit.mode_effect !== undefined,
      ...(audit.mode_effect === undefined ? {} : { mode_effect: audit.mode_effect }),
      approval_required: audit.decision === "ask",
      ...dry,
      scope: audit.scope,
      ...(audit.reason === undefined ? {} : { reason: audit.reason }),
      ...(audit.matched_rule_pattern === undefined ? {} : { matched_rule: audit.matched_rule_pattern }),
      ...(audit.matched_rule_id === undefined ? {} : { matched_rule_id: audit.matched_rule_id }),
      ...(audit.matched_rule_origin === undefined ? {} : { matched_rule_origin: audit.matched_rule_origin }),
      ...(required_approvals === undefined ? {} : { required_approvals }),
      ...(seen === undefined ? {} : { seen }),
      audit_preview: audit,
    };
  }
}
