import type { AdminChangeDetail, Json } from "@kheish/contract";
import type { CommitOptions, CommitResult, Op } from "../kernel/store.ts";

/** Something that leaves the daemon, what came of it, or an operator's change (02-R74). Holds digests, no content. */
export interface ExternalAction {
  session_id?: string;
  agent_id?: string;
  run_id?: string;
  tool_call_id?: string;
  principal_id?: string;
  parent_principal_id?: string;
  grant_id?: string;
  phase: "request" | "response" | "failed" | "applied";
  kind: string;
  target: string;
  request_digest?: string;
  response_digest?: string;
  outcome?: string;
  /** The run has only begun: nothing of it was recorded before, as far as whoever drives it knows. Not recorded. */
  begins?: true;
  /** Takes authority away: it is not held up when it cannot be recorded. Not recorded. */
  withdraws?: true;
  /** What an operator changed; `request_digest` is of it, and it is kept beside the record. */
  detail?: AdminChangeDetail;
}

/** Who changes something, under which request, and why. */
export interface Changer {
  principal: string;
  request_id?: string;
  reason?: string;
}

/** An operator's change, as its record tells it (weakness 6). Nothing in it may be secret. */
export interface AdminChange extends Changer {
  /** What was changed, as `runtime/permission_mode`. */
  target: string;
  change: Record<string, Json>;
  /** It takes authority away, and an operator must be able to do that while the ledger cannot vouch for it. */
  withdraws?: true;
}

/** Signed records as operations of the commit that they account for. */
export interface SealedActions {
  ops: readonly Op[];
  /** Says that the commit has landed. */
  landed(): void;
  /** Says that it was refused, or that it failed and nobody knows. */
  lost(error?: unknown): void;
}

export interface AuditPort {
  /**
   * Chains and signs the actions of one commit. Throws `AuditRefused` when the ledger cannot vouch for something that
   * is about to leave (02-R80); what has left already is never held up.
   */
  seal(actions: readonly ExternalAction[], atMs: number): Promise<SealedActions>;
  /**
   * Commits an operator's change that is no session's, together with its record (weakness 6). Answers stand under the
   * indexes of `ops`; a refusal is one of their own guards. Throws the problem `audit/audit_unavailable` when the ledger
   * cannot vouch for it; then nothing was changed.
   */
  commitAdmin(
    ops: readonly Op[],
    admin: AdminChange | readonly AdminChange[],
    options?: CommitOptions,
  ): Promise<CommitResult>;
}
