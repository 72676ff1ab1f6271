import {
  type ApprovalRequest,
  isTerminal,
  type Json,
  type JsonObject,
  type QuestionAnswer,
  type RunView,
  type UserQuestion,
  type UserQuestionRequest,
} from "@kheish/contract";
import { type McpServer, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { z } from "zod";
import { type ControlPlane, PlaneRefusal } from "./plane.ts";
import { resultOf } from "./result.ts";

/** The protocol's extension for work that takes longer than a request (`io.modelcontextprotocol/tasks`). */
export const TASKS = "io.modelcontextprotocol/tasks";
const CLIENT_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
const POLL_MS = 500;

/** What a handler is told of its request. */
export interface RequestContext {
  mcpReq: { signal?: AbortSignal; envelope?: Record<string, unknown>; inputResponses?: unknown };
}

/** Whether the caller has said that it can be given a task in the place of a result. */
export function knowsTasks({ mcpReq: { envelope } }: RequestContext): boolean {
  const capabilities = envelope?.[CLIENT_CAPABILITIES] as { extensions?: object } | undefined;
  return capabilities?.extensions !== undefined && TASKS in capabilities.extensions;
}

/** A run as a task that has just been created: its id is the run's, good at any daemon and after any restart. */
export function createdTask(run: RunView): object {
  return { resultType: "task", ...common(run), status: statusOf(run) };
}

/** 03-A6, long runs: looked at, answered and cancelled as the protocol's tasks, under the caller's token. */
export function registerTasks(server: McpServer, plane: ControlPlane): void {
  const handle = (method: string, act: (run: RunView, context: RequestContext) => Promise<object>) => {
    const params = z.looseObject({ taskId: z.string().min(1) });
    const handler = ({ taskId }: z.infer<typeof params>, context: RequestContext) =>
      asked(async () => act(await plane.call<RunView>("getRun", { params: { run_id: taskId } }), context));
    server.server.setRequestHandler(method as never, { params } as never, handler as never);
  };
  handle("tasks/get", async (run) => detailedTask(run));
  handle("tasks/cancel", async (run) => {
    if (!isTerminal(run.status)) await plane.call("cancelRun", { params: { run_id: run.run_id } });
    return {};
  });
  handle("tasks/update", async (run, { mcpReq }) => {
    const replies = Replies.safeParse(mcpReq.inputResponses);
    if (!replies.success)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        "inputResponses: answers to elicitations are needed",
      );
    for (const [id, reply] of Object.entries(replies.data)) await answer(plane, run, id, reply);
    return {};
  });
}

/** What is refused is said as the protocol says it. */
async function asked<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof PlaneRefusal)) throw error;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.message, error.problem);
  }
}

function common(run: RunView) {
  const { run_id, submitted_at_ms, started_at_ms, finished_at_ms } = run;
  return {
    taskId: run_id,
    createdAt: new Date(submitted_at_ms).toISOString(),
    lastUpdatedAt: new Date(finished_at_ms ?? started_at_ms ?? submitted_at_ms).toISOString(),
    // It is there for as long as the daemon keeps its runs.
    ttlMs: null,
    pollIntervalMs: POLL_MS,
    statusMessage: run.status,
  };
}

function statusOf(run: RunView): "working" | "input_required" | "completed" | "cancelled" {
  if (run.status === "cancelled") return "cancelled";
  if (isTerminal(run.status)) return "completed";
  return Object.keys(requestsOf(run)).length > 0 ? "input_required" : "working";
}

/** A run that failed is a result that says so: the task itself went as it should. */
function detailedTask(run: RunView): object {
  const status = statusOf(run);
  if (status === "input_required") return { ...common(run), status, inputRequests: requestsOf(run) };
  if (status !== "completed") return { ...common(run), status };
  const isError = run.status !== "completed";
  const result = { resultType: "complete", ...resultOf(run as unknown as Json, isError) };
  return { ...common(run), status, result };
}

/** What the run waits for a person to say, each under the id that it has everywhere else. */
function requestsOf(run: RunView): Record<string, object> {
  const approvals = (run.pending_approvals ?? []).map((one) => [one.id, approvalForm(one)] as const);
  const questions = (run.pending_questions ?? []).map((one) => [one.id, questionForm(one)] as const);
  return Object.fromEntries([...approvals, ...questions]);
}

function form(message: string, properties: object, required: readonly string[]): object {
  const requestedSchema = { type: "object", properties, required };
  return { method: "elicitation/create", params: { mode: "form", message, requestedSchema } };
}

function approvalForm({ tool_name, input, reason }: ApprovalRequest): object {
  const decision = { type: "string", title: "Decision", enum: ["allow", "deny"] };
  const justification = { type: "string", title: "Why" };
  const message = `Let ${tool_name} run with ${JSON.stringify(input)}? ${reason}`;
  return form(message, { decision, justification }, ["decision"]);
}

function questionForm({ questions }: UserQuestionRequest): object {
  const properties = Object.fromEntries(questions.map((one) => [one.id, questionSchema(one)]));
  return form(questions.map(({ question }) => question).join("\n"), properties, Object.keys(properties));
}

function questionSchema({ header, question, options, multi_select }: UserQuestion): object {
  const choices = options.map(({ id, label }) => ({ const: id, title: label }));
  const said = { title: header, description: question };
  return multi_select
    ? { type: "array", ...said, items: { anyOf: choices }, minItems: 1 }
    : { type: "string", ...said, oneOf: choices };
}

const Reply = z.looseObject({
  action: z.enum(["accept", "decline", "cancel"]),
  content: z.record(z.string(), z.unknown()).optional(),
});
type Reply = z.infer<typeof Reply>;
const Replies = z.record(z.string(), Reply);

/** Who cancels has said nothing: the run goes on waiting. */
async function answer(plane: ControlPlane, run: RunView, id: string, reply: Reply): Promise<void> {
  if (reply.action === "cancel") return;
  const { action, content = {} } = reply;
  const params = { run_id: run.run_id };
  const question = run.pending_questions?.find((one) => one.id === id);
  if (question !== undefined) {
    const answers = action === "accept" ? answersIn(question, content) : [];
    const resolution = { request_id: id, answers, declined: action === "decline" };
    await plane.call("answerRunQuestion", { params, body: { resolution } });
    return;
  }
  const { decision, justification } = content;
  if (action === "accept" && decision !== "allow" && decision !== "deny")
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `'${id}' needs a decision: allow or deny`);
  const resolution: JsonObject = {
    request_id: id,
    behavior: action === "accept" ? (decision as string) : "deny",
  };
  if (typeof justification === "string") resolution.justification = justification;
  await plane.call("resolveRunApprovals", { params, body: { resolutions: [resolution] } });
}

function answersIn({ questions }: UserQuestionRequest, content: Record<string, unknown>): QuestionAnswer[] {
  return questions.flatMap(({ id }) => {
    const said = content[id];
    if (said === undefined) return [];
    return [{ question_id: id, selected_option_ids: [said].flat().map(String) }];
  });
}
