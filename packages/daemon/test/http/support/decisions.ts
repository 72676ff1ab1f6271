import type { ApprovalResolution, ProblemDetails, RunView } from "@kheish/contract";
import type { z } from "zod";
import type { Client, Reply } from "./client.ts";
import { of } from "./params.ts";

export type Decision = Omit<z.input<typeof ApprovalResolution>, "request_id">;
export const ALLOW: Decision = { behavior: "allow" };
export const DENY: Decision = { behavior: "deny" };

/** The requests a run waits for, by their ids. */
export function pending(run: RunView): string[] {
  return run.pending_approval_ids ?? [];
}

/** One of them, in the order of the calls. */
export function requestOf(run: RunView, index = 0): string {
  const id = pending(run)[index];
  if (id === undefined) throw new Error(`run '${run.run_id}' waits for no approval ${index}`);
  return id;
}

/** The body that decides these requests. */
export function batch(...decisions: [id: string, Decision][]) {
  return { resolutions: decisions.map(([request_id, decision]) => ({ request_id, ...decision })) };
}

/** Decides approvals of a run, as one of its callers. */
export class Approver {
  readonly #api: Client;

  constructor(api: Client) {
    this.#api = api;
  }

  decide(run: RunView, ...decisions: [id: string, Decision][]): Promise<RunView> {
    return this.#api.call("resolveRunApprovals", { ...of(run.run_id), body: batch(...decisions) });
  }

  /** The refusal of a body of any shape. */
  refusal(run: RunView, body: unknown): Promise<ProblemDetails> {
    return this.#api.refusal("resolveRunApprovals", { ...of(run.run_id), body });
  }

  /** A decision that may be taken or refused. */
  attempt(run: RunView, ...decisions: [id: string, Decision][]): Promise<Reply> {
    return this.#api.post(`/v1/runs/${run.run_id}/approvals`, batch(...decisions));
  }
}
