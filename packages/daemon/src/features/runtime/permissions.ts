import {
  type Json,
  type PermissionExplanation,
  type PermissionMatrix,
  PermissionMode,
} from "@kheish/contract";
import {
  type AuthorityPort,
  isVisible,
  isWithinScope,
  requireSession,
  type ToolPort,
} from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";

export interface PermissionSources {
  store: Store;
  authority: AuthorityPort;
  tools: ToolPort;
  /** The daemon-wide mode in force. */
  permissionMode: () => PermissionMode;
}

/** Names a call that nobody made. */
const DRY_CALL = "permission-check";

type Session = Awaited<ReturnType<typeof requireSession>>["data"];

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
    const session = await this.#session(scope.sessionId);
    return this.#explanation({ ...call, id: call.id ?? DRY_CALL }, session, this.#mode(session, scope.mode));
  }

  /** Every tool that the daemon shows to models, under every mode. */
  async matrix(sessionId: string | undefined): Promise<PermissionMatrix> {
    const session = await this.#session(sessionId);
    const names = this.#sources.tools
      .all()
      .filter((tool) => tool.unlisted !== true)
      .map((tool) => tool.name);
    return {
      modes: PermissionMode.options.map((mode) => ({
        mode,
        tools: names.map((name) => this.#explanation({ id: DRY_CALL, name, input: {} }, session, mode)),
      })),
    };
  }

  async #session(id: string | undefined): Promise<Session | undefined> {
    return id === undefined ? undefined : (await requireSession(this.#sources.store, id)).data;
  }

  #mode(session: Session | undefined, override: PermissionMode | undefined): PermissionMode {
    return override ?? session?.permission_mode ?? this.#sources.permissionMode();
  }

  /** Why the session's agent has no such tool, in the words that it is told. */
  #hidden(session: Session, name: string): string | undefined {
    if (!isVisible(session, name)) return `tool '${name}' is unavailable for this agent`;
    const tool = this.#sources.tools.get(name);
    return tool === undefined || isWithinScope(session, tool)
      ? undefined
      : `tool '${name}' is not available in this session`;
  }

  #explanation(
    call: { id: string; name: string; input: Json },
    session: Session | undefined,
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
    const { audit } = this.#sources.authority.decide(call, mode, session?.hook_permissions);
    return {
      tool_call_id: call.id,
      tool_name: call.name,
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
      ...(audit.matched_rule_origin === undefined ? {} : { matched_rule_origin: audit.matched_rule_origin }),
      audit_preview: audit,
    };
  }
}
