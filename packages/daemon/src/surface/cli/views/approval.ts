import type { ApprovalRequest } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import { compactJson, type Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { printable } from "../output/text.ts";
import { age } from "../output/time.ts";

/** An approval together with the run that waits for it. */
export interface PendingApproval extends ApprovalRequest {
  run_id: string;
  session_id: string;
}

export function approvalTable(approvals: readonly PendingApproval[], style: Style): string {
  if (approvals.length === 0) return "No pending approvals.";
  return table(
    approvals,
    [
      { title: "REQUEST", value: (approval) => approval.id, keep: true },
      { title: "RUN", value: (approval) => approval.run_id, keep: true },
      { title: "SESSION", value: (approval) => approval.session_id },
      { title: "TOOL", value: (approval) => approval.tool_name },
      { title: "EXPIRES", value: (approval) => expiryText(approval, style.now) },
      { title: "INPUT", value: (approval) => compactJson(approval.input) },
    ],
    style,
  );
}

/** One approval, its input in full: it is what somebody is about to answer for. */
export function approvalDetail(approval: PendingApproval, style: Style): string {
  const facts = fields(
    [
      ["run", approval.run_id],
      ["session", approval.session_id],
      ["tool", approval.tool_name],
      ["scope", approval.scope],
      ["reason", approval.reason],
      ["expires", expiryText(approval, style.now)],
      ["needs", approval.required_approvals && `${approval.required_approvals} people`],
      ["allowed by", approval.approved_by?.join(", ")],
      ["escalated", approval.escalated_at_ms && age(approval.escalated_at_ms, style.now)],
    ],
    style,
  );
  const input = printable(JSON.stringify(approval.input, undefined, 2));
  return [style.colors.bold(approval.id), facts, "", input].join("\n");
}

function expiryText(
  { expires_at_ms, on_timeout, escalated_at_ms }: ApprovalRequest,
  now: number,
): string | undefined {
  if (expires_at_ms === undefined) return undefined;
  const then = on_timeout === "escalate" && escalated_at_ms !== undefined ? "deny" : (on_timeout ?? "deny");
  return `${age(expires_at_ms, now)} (then ${then})`;
}
