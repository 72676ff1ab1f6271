import { fileURLToPath } from "node:url";
import type { JsonObject, RunView } from "@kheish/contract";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { describe, expect, onTestFinished, test } from "vitest";
import { type McpControl, useMcp } from "./support.ts";

const serve = useMcp();
const BIN = fileURLToPath(new URL("../../bin/kheish.js", import.meta.url));
const ADMIN = "the-admin-token-of-the-test-daemon";
const READONLY = "the-reading-token-of-the-test-daemon";

type Mode = "auto" | "legacy";

/** The official client, over HTTP or over `kheish mcp serve`. */
async function connected(control: McpControl, how: "http" | "stdio", mode: Mode, token?: string) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const transport =
    how === "http"
      ? new StreamableHTTPClientTransport(new URL(`${control.daemon.baseUrl}/mcp`), {
          requestInit: { headers },
        })
      : new StdioClientTransport({
          command: process.execPath,
          args: [BIN, "--base-url", control.daemon.baseUrl, "mcp", "serve"],
          env: token === undefined ? {} : { KHEISH_DAEMON_TOKEN: token },
        });
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode } });
  await client.connect(transport);
  onTestFinished(() => client.close());
  return {
    client,
    async call<T = JsonObject>(name: string, input: JsonObject = {}): Promise<T> {
      const result = await client.callTool({ name, arguments: input });
      if (result.isError === true) throw new Error(JSON.stringify(result.structuredContent));
      return result.structuredContent as T;
    },
    async read(uri: string): Promise<JsonObject> {
      const { contents } = await client.readResource({ uri });
      return JSON.parse((contents[0] as { text: string }).text) as JsonObject;
    },
  };
}

const script = (turns: object[]) => JSON.stringify({ simulate: turns });
const ASK = {
  name: "ask_user_question",
  input: {
    question: "Which?",
    options: [
      { id: "a", label: "A" },
      { id: "b", label: "B" },
    ],
  },
};

describe.each([
  ["http", "auto"],
  ["http", "legacy"],
  ["stdio", "auto"],
  ["stdio", "legacy"],
] as const)("03-A6: the daemon as an MCP server, over %s, protocol %s", (how, mode) => {
  test("takes work, answers for it, and lets its caller decide what it waits for", async () => {
    const control = await serve({ permissionMode: "default" });
    const { client, call, read } = await connected(control, how, mode);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).toSorted()).toEqual([
      "kheish_answer_question",
      "kheish_cancel_run",
      "kheish_get_run",
      "kheish_list_pending",
      "kheish_list_runs",
      "kheish_list_sessions",
      "kheish_resolve_approval",
      "kheish_submit_run",
    ]);
    const done = await call<RunView>("kheish_submit_run", {
      content: script([{ text: "hello" }]),
      wait_ms: 20_000,
    });
    expect(done).toMatchObject({ status: "completed", outputs: [{ content: "hello" }] });

    const key = { idempotency_key: "once", content: script([{ text: "one" }]) };
    const first = await call<RunView>("kheish_submit_run", key);
    expect(await call("kheish_submit_run", key)).toMatchObject({ run_id: first.run_id });

    const turns = [
      { tool_calls: [{ name: "bash", input: { command: "echo done" } }] },
      { tool_calls: [ASK] },
      { text: "end" },
    ];
    const run = await call<RunView>("kheish_submit_run", { content: script(turns), wait_ms: 20_000 });
    expect(run.status).toBe("waiting_for_approval");
    const { run_id } = run;
    const waiting = await call<{ approvals: JsonObject[] }>("kheish_list_pending");
    expect(waiting.approvals).toMatchObject([{ run_id, tool_name: "bash", input: { command: "echo done" } }]);
    const request_id = waiting.approvals[0]?.id as string;
    await call("kheish_resolve_approval", {
      run_id,
      request_id,
      behavior: "allow",
      justification: "looks fine",
    });
    await control.reaches(run_id, "waiting_for_user_question");
    const pending = await call<{ questions: { request: { id: string } }[] }>("kheish_list_pending");
    const question = pending.questions[0]?.request.id ?? "";
    const answers = [{ question_id: "question-1", selected_option_ids: ["a"] }];
    await call("kheish_answer_question", { run_id, request_id: question, answers });
    await control.reaches(run_id, "completed");

    expect(await read(`kheish://runs/${run_id}`)).toMatchObject({ run_id, status: "completed" });
    expect(await read(`kheish://runs/${run_id}/events`)).toContainEqual(expect.objectContaining({ run_id }));
    expect(await read(`kheish://sessions/${run.session_id}`)).toMatchObject({ session_id: run.session_id });
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toContain(`kheish://runs/${run_id}`);
    const listed = await call<{ items: RunView[] }>("kheish_list_runs", { session_id: run.session_id });
    expect(listed.items.map((one) => one.run_id)).toEqual([run_id]);
    expect((await call<{ items: object[] }>("kheish_list_sessions")).items).toHaveLength(3);
    const slow = await call<RunView>("kheish_submit_run", {
      content: script([{ text: "late", delay_ms: 60_000 }]),
    });
    expect(await call("kheish_cancel_run", { run_id: slow.run_id })).toMatchObject({ status: "cancelled" });
  });

  test("refuses in the daemon's own words", async () => {
    const { client, call } = await connected(await serve(), how, mode);
    await expect(call("kheish_get_run", { run_id: "run-404" })).rejects.toThrow("run_not_found");
    const wrong = await client.callTool({ name: "kheish_get_run", arguments: {} });
    expect(wrong.isError).toBe(true);
    await expect(client.readResource({ uri: "kheish://runs/run-404" })).rejects.toThrow("run_not_found");
  });
});

describe("03-A6: under the caller's token", () => {
  const auth = { httpAuthMode: "bearer", adminToken: ADMIN, readonlyToken: READONLY } as const;

  test.each(["http", "stdio"] as const)("who may only read submits nothing (%s)", async (how) => {
    const control = await serve(auth);
    const reader = await connected(control, how, "auto", READONLY);
    expect(await reader.call("kheish_list_sessions")).toEqual({ items: [] });
    await expect(reader.call("kheish_submit_run", { content: "x" })).rejects.toThrow("insufficient_access");
    const admin = await connected(control, how, "auto", ADMIN);
    const run = await admin.call<RunView>("kheish_submit_run", { content: "x", wait_ms: 20_000 });
    expect(run).toMatchObject({ status: "completed", principal: "admin-token" });
  });

  test("a named token sees its own sessions through MCP as it does without", async () => {
    const control = await serve(auth);
    const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };
    const body = JSON.stringify({ name: "narrow", verbs: ["read", "write"], resources: ["sessions/mine*"] });
    const made = await fetch(`${control.daemon.baseUrl}/v1/runtime/tokens`, {
      method: "POST",
      headers,
      body,
    });
    const { secret: token } = (await made.json()) as { secret: string };
    expect(made.status).toBeLessThan(300);
    for (const session_id of ["mine", "other"])
      await fetch(`${control.daemon.baseUrl}/v1/sessions`, {
        method: "POST",
        headers,
        body: JSON.stringify({ session_id }),
      });
    const { call } = await connected(control, "http", "auto", token);
    const run = await call<RunView>("kheish_submit_run", {
      session_id: "mine",
      content: "x",
      wait_ms: 20_000,
    });
    expect(run).toMatchObject({ status: "completed", principal: "token:narrow" });
    await expect(call("kheish_submit_run", { session_id: "other", content: "x" })).rejects.toThrow(
      "insufficient_access",
    );
  });

  test("nobody comes in without one", async () => {
    const control = await serve(auth);
    const answer = await fetch(`${control.daemon.baseUrl}/mcp`, { method: "POST", body: "{}" });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: "missing_token" });
    await expect(connected(control, "http", "auto", "wrong-token")).rejects.toThrow();
  });

  test("02-R90: a page of another origin does not come in either", async () => {
    const control = await serve();
    const headers = { origin: "https://evil.example", "content-type": "application/json" };
    const answer = await fetch(`${control.daemon.baseUrl}/mcp`, { method: "POST", headers, body: "{}" });
    expect(answer.status).toBe(403);
  });
});
