import { z } from "zod";
import {
  InputContract,
  OutputContract,
  SetInputContractRequest,
  SetOutputContractRequest,
} from "../contracts.ts";
import { ListQuery, listOf, QueryCount, QueryFlag, readByService } from "../pagination.ts";
import { ReplyHandle, SubmitInputRequest } from "../runs.ts";
import {
  CreateSessionRequest,
  EndSessionRequest,
  InterruptResponse,
  OperatorConfig,
  PermissionAudit,
  SessionEventLog,
  SessionListQuery,
  SessionView,
  SessionViewSummary,
  SetCapabilityScopeRequest,
  SetCredentialScopeRequest,
  SetOperatorRequest,
  SetPersonaRequest,
  SetReplyTargetsRequest,
  SetRoutePolicyRequest,
  SetToolOverridesRequest,
  ToolOverrides,
} from "../sessions.ts";
import type { Verb } from "../tokens.ts";
import { define, noBody, session } from "./parts.ts";

/** A session default that PUT and POST replace and DELETE clears (01, HTTP, Sessions). */
const setting = <B extends z.ZodType>(name: string, path: string, body: B, verb: Verb = "write") => {
  const row = { path: `${session}/${path}`, tag: "sessions", access: "admin", verb } as const;
  const responses = { 200: SessionView };
  const summary = `Replace the ${name}`;
  return {
    post: { ...row, method: "POST", summary, body, responses },
    put: { ...row, method: "PUT", summary, body, responses },
    delete: { ...row, method: "DELETE", summary: `Clear the ${name}`, responses },
  } as const;
};

const persona = setting("persona", "persona", SetPersonaRequest);
const capabilityScope = setting("capability scope", "capability-scope", SetCapabilityScopeRequest, "admin");
const credentialScope = setting("credential scope", "credential-scope", SetCredentialScopeRequest, "admin");
const routePolicy = setting("route policy", "route-policy", SetRoutePolicyRequest);
const replyTargets = setting("reply targets", "reply-targets", SetReplyTargetsRequest);
const operator = setting("operator config", "operator", SetOperatorRequest);
const toolOverrides = setting("tool overrides", "tool-overrides", SetToolOverridesRequest, "admin");
const inputContract = setting("input contract", "input-contract", SetInputContractRequest);
const outputContract = setting("output contract", "output-contract", SetOutputContractRequest);

export const sessionsEndpoints = define({
  createSession: {
    method: "POST",
    path: "/v1/sessions",
    tag: "sessions",
    summary: "Create a session or return the known one",
    access: "admin",
    body: CreateSessionRequest,
    idempotent: true,
    narrowed: [{ from: "body", field: "session_id", resource: "sessions/{session_id}" }],
    responses: { 200: SessionView, 201: SessionView },
  },
  listSessions: {
    method: "GET",
    path: "/v1/sessions",
    tag: "sessions",
    summary: "List sessions",
    access: "read",
    query: SessionListQuery,
    responses: { 200: listOf(SessionViewSummary) },
  },
  getSession: {
    method: "GET",
    path: session,
    tag: "sessions",
    summary: "One session",
    access: "read",
    responses: { 200: SessionView },
  },
  sessionEvents: {
    method: "GET",
    path: `${session}/events`,
    tag: "sessions",
    summary: "Journal and run events",
    access: "read",
    query: z.object({ after_offset: readByService("^[0-9]+$").optional(), limit: QueryCount.optional() }),
    responses: { 200: SessionEventLog },
  },
  sessionInput: {
    method: "POST",
    path: `${session}/input`,
    tag: "sessions",
    summary: "Submit and wait until the run settles or waits",
    access: "admin",
    body: SubmitInputRequest,
    idempotent: true,
    bodySize: "large",
    responses: { 200: SessionView },
  },
  interruptSession: {
    method: "POST",
    path: `${session}/interrupt`,
    tag: "sessions",
    summary: "Stop the active run; `clear_queue=true` also cancels what waits behind it",
    access: "admin",
    query: z.object({ clear_queue: QueryFlag.optional() }),
    body: noBody,
    bodyOptional: true,
    responses: { 200: InterruptResponse },
  },
  endSession: {
    method: "POST",
    path: `${session}/end`,
    tag: "sessions",
    summary: "Mark the session as ended",
    access: "admin",
    body: EndSessionRequest,
    responses: { 200: SessionView },
  },
  sessionPermissionAudits: {
    method: "GET",
    path: `${session}/permission-audits`,
    tag: "sessions",
    summary: "Permission decisions in order",
    access: "read",
    query: ListQuery,
    responses: { 200: listOf(PermissionAudit) },
  },
  postPersona: persona.post,
  putPersona: persona.put,
  deletePersona: persona.delete,
  postCapabilityScope: capabilityScope.post,
  putCapabilityScope: capabilityScope.put,
  deleteCapabilityScope: capabilityScope.delete,
  postCredentialScope: credentialScope.post,
  putCredentialScope: credentialScope.put,
  deleteCredentialScope: credentialScope.delete,
  postRoutePolicy: routePolicy.post,
  putRoutePolicy: routePolicy.put,
  deleteRoutePolicy: routePolicy.delete,
  getReplyTargets: {
    method: "GET",
    path: `${session}/reply-targets`,
    tag: "sessions",
    summary: "Default reply targets",
    access: "read",
    responses: { 200: z.object({ reply_targets: z.array(ReplyHandle) }) },
  },
  postReplyTargets: replyTargets.post,
  putReplyTargets: replyTargets.put,
  deleteReplyTargets: replyTargets.delete,
  getOperator: {
    method: "GET",
    path: `${session}/operator`,
    tag: "sessions",
    summary: "Operator config",
    access: "read",
    responses: { 200: z.object({ operator: OperatorConfig }) },
  },
  postOperator: operator.post,
  putOperator: operator.put,
  deleteOperator: operator.delete,
  getToolOverrides: {
    method: "GET",
    path: `${session}/tool-overrides`,
    tag: "sessions",
    summary: "Tool overrides",
    access: "read",
    responses: { 200: ToolOverrides },
  },
  postToolOverrides: toolOverrides.post,
  putToolOverrides: toolOverrides.put,
  deleteToolOverrides: toolOverrides.delete,
  getInputContract: {
    method: "GET",
    path: `${session}/input-contract`,
    tag: "sessions",
    summary: "What the session's input must be; null when it may be anything",
    access: "read",
    responses: { 200: InputContract.nullable() },
  },
  postInputContract: inputContract.post,
  putInputContract: inputContract.put,
  deleteInputContract: inputContract.delete,
  getOutputContract: {
    method: "GET",
    path: `${session}/output-contract`,
    tag: "sessions",
    summary: "What the answers of the session's runs must be; null when they may be anything",
    access: "read",
    responses: { 200: OutputContract.nullable() },
  },
  postOutputContract: outputContract.post,
  putOutputContract: outputContract.put,
  deleteOutputContract: outputContract.delete,
});
