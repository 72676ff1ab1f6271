import type { ApprovalRequest, PermissionAudit, UserQuestionRequest } from "@kheish/sdk";

export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cached_input_tokens?: number;
  cost_microusd?: number;
}

/** What a step was, by its kind. */
export type Body =
  | {
      kind: "model";
      turn: number;
      model: string | undefined;
      reasoning: string;
      text: string;
      calls: { name: string; input: unknown }[];
      usage: Usage | undefined;
    }
  /** A model call without an answer, after its retries; `next` is what the run did then. */
  | { kind: "retry"; turn: number; model: string; error: { class: string; message: string }; next: string }
  | {
      kind: "tool";
      tool: string;
      input: unknown;
      effect: string;
      attempt: number;
      idempotencyKey: string;
      permission: PermissionAudit | undefined;
      /** Where the effect ledger has it: dispatched until it is over. */
      ledger: string;
      output: unknown;
      hasOutput: boolean;
    }
  | {
      kind: "wait";
      requests: readonly (ApprovalRequest | UserQuestionRequest)[];
      /** Each answer by itself: several people may have to say yes, or each to a part. */
      decisions: { by: string | undefined; atMs: number; said: unknown }[];
    }
  | { kind: "restart"; did: string[] }
  | { kind: "compaction"; what: string; tokensFreed: number; messagesRemoved: number | undefined };

/** One bar of a run's timeline. */
export interface Step {
  key: string;
  name: string;
  startMs: number;
  /** Absent while it lasts. */
  endMs?: number;
  failed: boolean;
  body: Body;
}
