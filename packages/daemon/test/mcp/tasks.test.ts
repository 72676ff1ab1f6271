import type { Json, JsonObject, RunView } from "@kheish/contract";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import {
  type ApplicationElicitResult,
  createTaskSessionFromClient,
  resultFromTaskOutcome,
} from "@modelcontextprotocol/ext-tasks/client";
import { expect, onTestFinished, test } from "vitest";
import { eventually, type McpControl, useMcp } from "./support.ts";

const serve = useMcp();
const ADMIN = "the-admin-token-of-the-test-daemon";
const READONLY = "the-reading-token-of-the-test-daemon";
const TASKS = "io.modelcontextprotocol/tasks";
const FRAMING = {
  protocolVersion: "2026-07-28",
  clientInfo: { name: "test", version: "1.0.0" },
  clientCapabilities: { elicitation: { form: {} }, extensions: { [TASKS]: {} } },
};

/** A request of the protocol as it goes over the wire. */
async function dispatch({ daemon }: McpControl, request: Json, token?: string): Promise<JsonObject> {
  const { method, params } = request as { method: string; params?: JsonObject };
  const name = params?.name ?? params?.taskId;
  const answer = await fetch(`${daemon.baseUrl}/mcp`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": FRAMING.protocolVersion,
      "mcp-method": method,
      ...(typeof name === "string" ? { "mcp-name": name } : {}),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(request),
  });
  return (await answer.json()) as JsonObject;
}

/** A request by hand, with what a client says of itself. */
function ask(control: McpControl, method: string, params: JsonObject, token?: string) {
  const _meta = Object.fromEntries(
    Object.entries(FRAMING).map(([key, value]) => [`io.modelcontextprotocol/${key}`, value]),
  );
  return dispatch(control, { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } as Json }, token);
}

/** The official client of the extension; `answer` is the person in front of it. */
async function session(control: McpControl, answer?: (asked: JsonObject) => ApplicationElicitResult) {
  const client = new Client(FRAMING.clientInfo, { versionNegotiation: { mode: "auto" } });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${control.daemon.baseUrl}/mcp`)));
  const tasks = createTaskSessionFromClient(client, {
    endpointId: "the-daemon",
    rawDispatch: async (request) => {
      const { result, error } = await dispatch(control, {
        jsonrpc: "2.0",
        id: 1,
        ...(request as JsonObject),
      });
      return (error === undefined ? { kind: "result", result } : { kind: "error", error }) as never;
    },
    v2RequestFraming: FRAMING,
    onInputRequest: (async (request: { params: JsonObject }) =>
      answer?.(request.params) ?? { action: "cancel" }) as never,
  });
  onTestFinished(async () => {
    await tasks.close();
    await client.close();
  });
  return tasks;
}

type Outcome = Parameters<typeof resultFromTaskOutcome>[0];
const runIn = (outcome: Outcome) =>
  (resultFromTaskOutcome(outcome) as JsonObject).structuredContent as unknown as RunView;

const script = (turns: object[]) => JSON.stringify({ simulate: turns });

test("03-A6 a client that knows tasks gets one for its work, and then what came of it", async () => {
  const control = await serve();
  const execution = await (await session(control)).callTool("kheish_submit_run", {
    content: script([{ text: "hello", delay_ms: 50 }]),
  });
  expect(execution).toMatchObject({ kind: "task", handle: { taskId: expect.stringMatching(/^run-/) } });
  const { outcome } = await execution.settle();
  const structuredContent = runIn(outcome);
  expect(structuredContent).toMatchObject({ status: "completed", outputs: [{ content: "hello" }] });
});

test("03-A6 what its run waits for is asked of the client: approvals and questions", async () => {
  const control = await serve({ permissionMode: "default" });
  const seen: JsonObject[] = [];
  const tasks = await session(control, (asked) => {
    seen.push(asked);
    const { properties } = asked.requestedSchema as { properties: JsonObject };
    return {
      action: "accept",
      content: "decision" in properties ? { decision: "allow" } : { "question-1": "b" },
    };
  });
  const question = {
    question: "Which?",
    options: [
      { id: "a", label: "A" },
      { id: "b", label: "B" },
    ],
  };
  const execution = await tasks.callTool("kheish_submit_run", {
    content: script([
      { tool_calls: [{ name: "write_file", input: { path: "a.txt", content: "x" } }] },
      { tool_calls: [{ name: "ask_user_question", input: question }] },
      { text: "{{last_tool_output}}" },
    ]),
  });
  const { outcome } = await execution.settle();
  const structuredContent = runIn(outcome);
  expect(structuredContent.status).toBe("completed");
  expect(structuredContent.outputs?.[0]?.content).toContain('"selected_option_ids":["b"]');
  expect(seen).toMatchObject([
    { message: expect.stringContaining("write_file"), requestedSchema: { required: ["decision"] } },
    {
      message: "Which?",
      requestedSchema: {
        properties: { "question-1": { oneOf: [{ const: "a", title: "A" }, { const: "b" }] } },
      },
    },
  ]);
});

test("03-A6 a task that is cancelled is a run that is; one whose run failed says so in its result", async () => {
  const control = await serve({ permissionMode: "default" });
  const tasks = await session(control);
  const waiting = { tool_calls: [{ name: "write_file", input: { path: "a.txt", content: "x" } }] };
  const stopped = await tasks.callTool("kheish_submit_run", { content: script([waiting]) });
  await stopped.cancel();
  expect((await stopped.settle()).outcome.status).toBe("cancelled");
  const failing = await tasks.callTool("kheish_submit_run", {
    content: script([{ error: { status: 400, message: "no", times: 0 } }]),
  });
  const { outcome } = await failing.settle();
  expect(resultFromTaskOutcome(outcome)).toMatchObject({
    isError: true,
    structuredContent: { status: "failed" },
  });
});

test("03-A6 a task outlives the daemon that began it: whoever comes back finds it by its id", async () => {
  const control = await serve({ permissionMode: "default" });
  const content = script([
    { tool_calls: [{ name: "write_file", input: { path: "a.txt", content: "x" } }] },
    { text: "done" },
  ]);
  const created = await ask(control, "tools/call", { name: "kheish_submit_run", arguments: { content } });
  const { taskId } = created.result as { taskId: string };
  expect(created).toMatchObject({ result: { resultType: "task", status: "working", ttlMs: null } });
  await control.daemon.restart();
  const found = await eventually(async () => {
    const { result } = (await ask(control, "tasks/get", { taskId })) as {
      result: { status: string; inputRequests?: JsonObject };
    };
    return result.status === "input_required" ? result : undefined;
  });
  const [request = ""] = Object.keys(found.inputRequests ?? {});
  const inputResponses = {
    [request]: { action: "accept", content: { decision: "allow", justification: "ok" } },
  };
  expect(await ask(control, "tasks/update", { taskId, inputResponses })).toMatchObject({
    result: { resultType: "complete" },
  });
  const run = await control.ends(taskId);
  expect(run).toMatchObject({ status: "completed" });
  // It is decided once: who says the same is told yes, who says otherwise is told that it is over.
  const otherwise = { [request]: { action: "decline" } };
  for (const [replies, end] of [
    [inputResponses, { result: { resultType: "complete" } }],
    [otherwise, { error: { code: -32602, message: expect.stringContaining("approval_state_conflict") } }],
  ])
    expect(
      await ask(control, "tasks/update", { taskId, inputResponses: replies as JsonObject }),
    ).toMatchObject(end as object);
  expect(await ask(control, "tasks/get", { taskId: "run-999" })).toMatchObject({
    error: { code: -32602, message: expect.stringContaining("run_not_found") },
  });
  // Who wants to be answered at once, and who says nothing of tasks, is.
  const at_once = { name: "kheish_submit_run", arguments: { content, wait_ms: 0 } };
  expect(await ask(control, "tools/call", at_once)).toMatchObject({
    result: { resultType: "complete", structuredContent: { run_id: expect.any(String) } },
  });
});

test("03-A6 tasks are looked at and touched under the caller's own token", async () => {
  const control = await serve({ httpAuthMode: "bearer", adminToken: ADMIN, readonlyToken: READONLY });
  const content = script([{ tool_calls: [{ name: "bash", input: { command: "sleep 600" } }] }]);
  const submit = { name: "kheish_submit_run", arguments: { content } };
  const created = await ask(control, "tools/call", submit, ADMIN);
  const { taskId } = created.result as { taskId: string };
  expect(await ask(control, "tasks/get", { taskId }, READONLY)).toMatchObject({
    result: { taskId, status: "working" },
  });
  expect(await ask(control, "tasks/cancel", { taskId }, READONLY)).toMatchObject({
    error: { code: -32602 },
  });
  expect(await ask(control, "tasks/cancel", { taskId }, ADMIN)).toMatchObject({
    result: { resultType: "complete" },
  });
  await eventually(async () => {
    const { result } = (await ask(control, "tasks/get", { taskId }, READONLY)) as { result: JsonObject };
    return result.status === "cancelled" ? true : undefined;
  });
});
