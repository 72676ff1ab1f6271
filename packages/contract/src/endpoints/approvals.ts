import { ResolveApprovalsRequest } from "../approvals.ts";
import { RunView } from "../runs.ts";
import { SessionView } from "../sessions.ts";
import { define, run, session } from "./parts.ts";

export const approvalsEndpoints = define({
  resolveRunApprovals: {
    method: "POST",
    path: `${run}/approvals`,
    tag: "approvals",
    summary: "Decide pending approvals of a run",
    access: "admin",
    body: ResolveApprovalsRequest,
    idempotent: true,
    responses: { 202: RunView },
  },
  resolveSessionApprovals: {
    method: "POST",
    path: `${session}/approvals`,
    tag: "approvals",
    summary: "Decide and wait until the run settles or waits",
    access: "admin",
    body: ResolveApprovalsRequest,
    idempotent: true,
    responses: { 200: SessionView },
  },
  resolveSessionApprovalRuns: {
    method: "POST",
    path: `${session}/approval-runs`,
    tag: "approvals",
    summary: "Decide pending approvals of the session's active run",
    access: "admin",
    body: ResolveApprovalsRequest,
    idempotent: true,
    responses: { 202: RunView },
  },
});
