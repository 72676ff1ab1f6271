import { isTerminal, isWaiting, type Json, JsonObject, QuestionAnswer, type RunView } from "@kheish/contract";
import type { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { type ControlPlane, PlaneRefusal } from "./plane.ts";
import { resultOf } from "./result.ts";
import { createdTask, knowsTasks, type RequestContext } from "./tasks.ts";

const MAX_WAIT_MS = 600_000;
const POLL_MS = 200;
const DEFAULT_LIMIT = 20;

const run_id = z.string().min(1);
const request_id = z.string().min(1).describe("from kheish_list_pending or the run's pending ids");
const limit = z.int().min(1).max(100).default(DEFAULT_LIMIT);

/** How to wait, for whoever owns time. */
export type Sleep = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

const READS = { readOnlyHint: true, openWorldHint: false };
const SETTLES = { readOnlyHint: false, idempotentHint: true, destructiveHint: false, openWorldHint: false };

/** 03-A6: hand work to the daemon, look at it, decide what it waits for. All of it under the caller's token. */
export function registerTools(server: McpServer, plane: ControlPlane, sleep: Sleep): void {
  const tool = <S extends z.ZodObject>(
    name: string,
    description: string,
    inputSchema: S,
    annotations: object,
    act: (input: z.output<S>, context: RequestContext) => Promise<Json | CreatedTask>,
  ) => {
    server.registerTool(name, { description, inputSchema, annotations }, (async (
      input: z.output<S>,
      context: RequestContext,
    ) => answered(() => act(input, context))) as never);
  };

  tool(
    "kheish_submit_run",
    "Hands work to the daemon. It goes on without you: the answer is the run as it is now, or, with wait_ms, once it has ended or waits for somebody. A client that knows tasks gets a task, unless wait_ms is 0.",
    z.object({
      session_id: z.string().min(1).optional().describe("an existing session; default: a new one"),
      content: z.string().min(1).describe("what the agent is to do"),
      idempotency_key: z.string().min(1).max(200).optional().describe("the same key, the same run"),
      wait_ms: z.int().min(0).max(MAX_WAIT_MS).optional(),
    }),
    { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
    async ({ session_id, content, idempotency_key: key, wait_ms }, context) => {
      const session = session_id ?? (await newSession(plane, key));
      const params = { session_id: session };
      const run = await plane.call<RunView>("submitRun", { params, body: { content }, idempotencyKey: key });
      if (wait_ms !== 0 && knowsTasks(context)) return new CreatedTask(run);
      return (await atRest(plane, run, wait_ms ?? 0, sleep, context.mcpReq.signal)) as unknown as Json;
    },
  );
  tool(
    "kheish_get_run",
    "One run: its status, its outputs, and what it waits for.",
    z.object({ run_id }),
    READS,
    (input) => plane.call("getRun", { params: input }),
  );
  tool(
    "kheish_list_runs",
    "Runs, newest first.",
    z.object({
      session_id: z.string().optional(),
      status: z.string().optional().describe("comma list, such as running,waiting_for_approval"),
      limit,
    }),
    READS,
    async (input) => {
      const query = { ...present(input), limit: String(input.limit), page: "true", order: "desc" };
      return itemsOf(await plane.call("listRuns", { query }));
    },
  );
  tool(
    "kheish_cancel_run",
    "Cancels a run. What it has done stays done.",
    z.object({ run_id }),
    { ...SETTLES, destructiveHint: true },
    (input) => plane.call("cancelRun", { params: input }),
  );
  tool(
    "kheish_list_sessions",
    "Sessions: durable conversations that runs belong to.",
    z.object({ limit }),
    READS,
    async (input) =>
      itemsOf(await plane.call("listSessions", { query: { limit: String(input.limit), page: "true" } })),
  );
  tool(
    "kheish_list_pending",
    "Everything that waits for somebody: approvals of tool calls, and questions.",
    z.object({}),
    READS,
    async () => pending(plane),
  );
  tool(
    "kheish_resolve_approval",
    "Decides about a tool call that a run waits for.",
    z.object({
      run_id,
      request_id,
      behavior: z.enum(["allow", "deny"]),
      updated_input: JsonObject.optional().describe("what runs in the place of the call's input"),
      justification: z.string().optional(),
    }),
    { ...SETTLES, destructiveHint: true },
    ({ run_id: id, ...resolution }) =>
      plane.call("resolveRunApprovals", {
        params: { run_id: id },
        body: { resolutions: [present(resolution)] },
      }),
  );
  tool(
    "kheish_answer_question",
    "Answers the questions that a run waits for.",
    z.object({ run_id, request_id, answers: z.array(QuestionAnswer) }),
    SETTLES,
    ({ run_id: id, ...resolution }) =>
      plane.call("answerRunQuestion", { params: { run_id: id }, body: { resolution } }),
  );
}

/** A result, or an error result with the daemon's own words. */
async function answered(act: () => Promise<Json | CreatedTask>) {
  try {
    const value = await act();
    return value instanceof CreatedTask ? value.result : resultOf(value);
  } catch (error) {
    if (!(error instanceof PlaneRefusal)) throw error;
    return resultOf(error.problem, true);
  }
}

/** In the place of a result: the caller comes back for it. */
class CreatedTask {
  readonly result: object;

  constructor(run: RunView) {
    this.result = createdTask(run);
  }
}

async function newSession(plane: ControlPlane, key: string | undefined): Promise<string> {
  const idempotencyKey = key === undefined ? undefined : `mcp-session-${key}`;
  const session = await plane.call<{ session_id: string }>("createSession", { body: {}, idempotencyKey });
  return session.session_id;
}

/** The run once it has ended or waits for somebody, or as it is when the time is over or the caller is gone. */
async function atRest(
  plane: ControlPlane,
  run: RunView,
  waitMs: number,
  sleep: Sleep,
  signal: AbortSignal | undefined,
): Promise<RunView> {
  let view = run;
  for (let left = waitMs; left > 0 && signal?.aborted !== true; left -= POLL_MS) {
    if (isTerminal(view.status) || isWaiting(view.status)) return view;
    await sleep(Math.min(POLL_MS, left), signal);
    view = await plane.call<RunView>("getRun", { params: { run_id: run.run_id } });
  }
  return view;
}

async function pending(plane: ControlPlane): Promise<Json> {
  const query = { limit: "100", page: "true" };
  const [runs, questions] = await Promise.all([
    plane.call("listRuns", { query: { ...query, status: "waiting_for_approval" } }),
    plane.call("listQuestions", { query }),
  ]);
  const approvals = itemsOf<RunView>(runs).flatMap((run) =>
    (run.pending_approvals ?? []).map((approval) => ({
      run_id: run.run_id,
      session_id: run.session_id,
      ...approval,
    })),
  );
  return { approvals, questions: itemsOf(questions) } as unknown as Json;
}

/** A list, or the page that it comes in. */
function itemsOf<T = Json>(list: unknown): T[] {
  if (Array.isArray(list)) return list as T[];
  return (list as { items?: T[] } | null)?.items ?? [];
}

function present<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<T>;
}
