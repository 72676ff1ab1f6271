import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type FakeDaemon, fakeDaemon, json } from "../../testing/fake-daemon.ts";
import { type CliSetup, kheish } from "../../testing/run-cli.ts";
import { NOW, runtimeView, runView, sessionSummary, sessionView } from "../../testing/samples.ts";

const SUBMIT = "POST /v1/sessions/s1/runs";

async function sessions(daemon: FakeDaemon, argv: readonly string[], setup?: CliSetup) {
  const result = await kheish(["--base-url", daemon.baseUrl, "sessions", ...argv], setup);
  const { method, url, body } = daemon.requests.at(-1) ?? {};
  return { ...result, request: `${method} ${url}`, body };
}

describe("sessions list", () => {
  const page = {
    items: [
      sessionSummary({ updated_at_ms: NOW - 180_000 }),
      sessionSummary({ session_id: "s2", status: "waiting_for_approval", pending_approvals: 2 }),
    ],
    pagination: { limit: 2, total_count: 1_234, has_more: true, next_cursor: "czI", order: "session_id_asc" },
  };

  it("asks for what scripts always got, and for pages when told to", async () => {
    const daemon = await fakeDaemon({ "GET /v1/sessions": json([]) });
    expect((await sessions(daemon, ["list"])).request).toBe("GET /v1/sessions");
    const paged = await sessions(daemon, ["list", "--page", "--limit", "2", "--cursor", "abc"]);
    expect(paged.request).toBe("GET /v1/sessions?page=true&limit=2&cursor=abc");
  });

  it("is a table on a terminal, a page of it", async () => {
    const daemon = await fakeDaemon({ "GET /v1/sessions": json(page) });
    const { stdout, request } = await sessions(daemon, ["list"], { columns: 100, env: { NO_COLOR: "1" } });
    expect(request).toBe("GET /v1/sessions?page=true");
    expect(stdout.split("\n")).toEqual([
      "SESSION  STATUS                RUN  QUEUED  WAITING      UPDATED  CREATED",
      "s1       idle                                            3m ago   2h ago",
      "s2       waiting for approval               2 approvals  1m ago   2h ago",
      "",
      "2 of 1,234, more with --cursor czI",
      "",
    ]);
  });
});

describe("sessions create", () => {
  it("sends what the flags say and nothing else", async () => {
    const daemon = await fakeDaemon({ "POST /v1/sessions": json(sessionView({ created: true }), 201) });
    expect((await sessions(daemon, ["create"])).body).toEqual({});
    const scope = '{"skill_allow":["read"]}';
    const { body } = await sessions(daemon, [
      "open",
      "s1",
      "--thread-id",
      "t",
      "--capability-scope-json",
      scope,
    ]);
    expect(body).toEqual({ session_id: "s1", thread_id: "t", capability_scope: { skill_allow: ["read"] } });
  });

  it("refuses a scope it does not understand before anything is sent", async () => {
    const daemon = await fakeDaemon();
    const scope = '{"skills":["read"]}';
    const { code, stderr } = await sessions(daemon, ["create", "--capability-scope-json", scope]);
    expect(code).toBe(2);
    expect(stderr).toContain("the capability scope does not have the expected shape\n  /");
    expect(daemon.requests).toEqual([]);
  });
});

describe("sessions input", () => {
  it("submits the text", async () => {
    const daemon = await fakeDaemon({ [SUBMIT]: json(runView(), 202) });
    const { code, body } = await sessions(daemon, ["input", "s1", "say hello"]);
    expect(code).toBe(0);
    expect(body).toEqual({ content: "say hello", attachments: [] });
  });

  it("submits everything else the flags say", async () => {
    const daemon = await fakeDaemon({ [SUBMIT]: json(runView(), 202) });
    const flags = [
      ...[
        "--source-plugin",
        "cron",
        "--source-kind",
        "nightly",
        "--actor-id",
        "me",
        "--idempotency-key",
        "k1",
      ],
      ...[
        "--metadata-json",
        '{"a":1}',
        "--reply-plugin",
        "http",
        "--reply-address",
        "x",
        "--provider",
        "main",
      ],
      ...["--require-workspace-file-write", "--require-workspace-file-path", "out.md", "--asset", "asset-1"],
      ...["--temperature", "0.5", "--reasoning-effort", "high", "--serial-tools"],
      ...["--tool-choice", "specific", "--tool-name", "bash"],
      ...["--response-format", "structured-json", "--response-schema-json", '{"type":"object"}'],
    ];
    const { body } = await sessions(daemon, ["send", "s1", "go", ...flags]);
    expect(body).toEqual({
      content: "go",
      attachments: [{ type: "asset_reference", asset_id: "asset-1" }],
      source_plugin: "cron",
      source_kind: "nightly",
      actor_id: "me",
      idempotency_key: "k1",
      metadata: { a: 1 },
      reply_plugin: "http",
      reply_address: "x",
      provider: "main",
      completion_requirements: [{ type: "workspace_file", path: "out.md" }],
      generation: {
        temperature: 0.5,
        tool_choice: { type: "specific", tool_name: "bash" },
        allow_parallel_tool_calls: false,
        reasoning: { effort: "high" },
        response_format: { type: "structured_json", schema: { type: "object" } },
      },
    });
  });

  it("reads files and standard input", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kheish-cli-"));
    await writeFile(join(folder, "prompt.md"), "from a file");
    await writeFile(join(folder, "Data.CSV"), "a,b");
    const daemon = await fakeDaemon({ [SUBMIT]: json(runView(), 202) });
    const setup = { workingDirectory: folder, stdin: "from stdin" };
    const fromFile = await sessions(
      daemon,
      ["input", "s1", "--content-file", "prompt.md", "--file", "Data.CSV"],
      setup,
    );
    expect(fromFile.body).toEqual({
      content: "from a file",
      attachments: [
        { type: "inline_asset", file_name: "Data.CSV", media_type: "text/csv", content_base64: btoa("a,b") },
      ],
    });
    expect((await sessions(daemon, ["input", "s1", "--stdin"], setup)).body).toMatchObject({
      content: "from stdin",
    });
  });

  it.each([
    ["nothing to submit", []],
    ["two texts", ["text", "--stdin"]],
    ["a missing file", ["text", "--file", "does-not-exist"]],
    ["a requirement without path", ["text", "--require-workspace-file-write"]],
    ["a tool choice without tool", ["text", "--tool-choice", "specific"]],
    ["a tool without its choice", ["text", "--tool-name", "bash"]],
    ["a structured answer without schema", ["text", "--response-format", "structured-json"]],
    ["a schema without its format", ["text", "--response-schema-json", "{}"]],
    ["metadata that is no JSON", ["text", "--metadata-json", "{"]],
    ["a waiting time below zero", ["text", "--wait", "--timeout", "-1"]],
  ])("refuses %s", async (_what, argv) => {
    const daemon = await fakeDaemon();
    const { code } = await sessions(daemon, ["input", "s1", ...argv]);
    expect(code).toBe(2);
    expect(daemon.requests).toEqual([]);
  });

  it.each([
    ["gpt-5", undefined, { generation: { model: "gpt-5" } }],
    ["simulator/echo", undefined, { provider: "simulator", generation: { model: "echo" } }],
    ["openai/gpt-5", undefined, { generation: { model: "openai/gpt-5" } }],
    ["openrouter/openai/gpt-5", undefined, { provider: "openrouter", generation: { model: "openai/gpt-5" } }],
    ["openai/gpt-5", "openrouter", { provider: "openrouter", generation: { model: "openai/gpt-5" } }],
  ])("reads the model selector %s with provider %s", async (model, provider, expected) => {
    const daemon = await fakeDaemon({
      "GET /v1/runtime": json(runtimeView()),
      [SUBMIT]: json(runView(), 202),
    });
    const flags = provider === undefined ? [] : ["--provider", provider];
    const { body } = await sessions(daemon, ["input", "s1", "go", "--model", model, ...flags]);
    expect(body).toEqual({ content: "go", attachments: [], ...expected });
  });

  it("never guesses between two routes, nor at an empty model", async () => {
    const daemon = await fakeDaemon({ "GET /v1/runtime": json(runtimeView()) });
    const model = ["--model", "simulator/echo"];
    const other = await sessions(daemon, ["input", "s1", "go", ...model, "--provider", "openrouter"]);
    expect(other).toMatchObject({ code: 2 });
    expect(other.stderr).toContain("different routes: openrouter, simulator");
    expect(await sessions(daemon, ["input", "s1", "go", "--model", "simulator/"])).toMatchObject({ code: 2 });
  });

  it("waits when asked to", async () => {
    const daemon = await fakeDaemon({
      [SUBMIT]: json(runView(), 202),
      "GET /v1/runs/run-1": json(runView({ status: "failed", error: "no more quota" })),
    });
    const { code, stdout, stderr } = await sessions(daemon, ["input", "s1", "go", "--wait"]);
    expect(code).toBe(10);
    expect(JSON.parse(stdout)).toMatchObject({ status: "failed" });
    expect(stderr).toBe("Error: run-1 ended failed: no more quota\n");
  });
});

describe("session settings", () => {
  it.each([
    [
      ["set-route", "s1", "--provider", "main"],
      "PUT",
      "route-policy",
      { route_policy: { provider: "main" } },
    ],
    [["set-route", "s1", "--clear"], "DELETE", "route-policy", ""],
    [
      ["set-capability-scope", "s1", "--capability-scope-json", '{"skill_deny":["x"]}'],
      "PUT",
      "capability-scope",
      { capability_scope: { skill_deny: ["x"] } },
    ],
    [["set-capability-scope", "s1", "--clear"], "DELETE", "capability-scope", ""],
    [
      ["set-credential-scope", "s1", "--credential-scope-json", '{"route_allow":["x"]}'],
      "PUT",
      "credential-scope",
      { credential_scope: { route_allow: ["x"] } },
    ],
    [["set-credential-scope", "s1", "--clear"], "DELETE", "credential-scope", ""],
    [
      ["set-reply-targets", "s1", "--reply-targets-json", '[{"plugin":"http","address":{"url":"x"}}]'],
      "PUT",
      "reply-targets",
      { reply_targets: [{ plugin: "http", address: { url: "x" } }] },
    ],
    [["clear-reply-targets", "s1"], "DELETE", "reply-targets", ""],
  ])("%j", async (argv, method, setting, expected) => {
    const daemon = await fakeDaemon({ [`${method} /v1/sessions/s1/${setting}`]: json(sessionView()) });
    const { code, request, body } = await sessions(daemon, argv);
    expect({ code, request, body }).toEqual({
      code: 0,
      request: `${method} /v1/sessions/s1/${setting}`,
      body: expected,
    });
  });

  it.each([
    [["set-route", "s1"]],
    [["set-route", "s1", "--clear", "--provider", "main"]],
    [["set-capability-scope", "s1"]],
    [["set-credential-scope", "s1", "--clear", "--credential-scope-json", "{}"]],
    [["set-reply-targets", "s1"]],
  ])("%j is a usage error", async (argv) => {
    expect((await sessions(await fakeDaemon(), argv)).code).toBe(2);
  });
});

describe("session control", () => {
  it.each([
    [["approve", "s1", "a1"], { request_id: "a1", behavior: "allow" }],
    [
      ["deny", "s1", "a1", "--reason", "no", "--justification", "policy"],
      { request_id: "a1", behavior: "deny", reason: "no", justification: "policy" },
    ],
  ])("%j decides for the run that waits", async (argv, resolution) => {
    const daemon = await fakeDaemon({ "POST /v1/sessions/s1/approval-runs": json(runView(), 202) });
    expect((await sessions(daemon, argv)).body).toEqual({ resolutions: [resolution] });
  });

  it("interrupts, and clears the queue when told to", async () => {
    const response = { interrupted: true, snapshot: sessionView().snapshot };
    const daemon = await fakeDaemon({ "POST /v1/sessions/s1/interrupt": json(response) });
    expect((await sessions(daemon, ["interrupt", "s1"])).request).toBe("POST /v1/sessions/s1/interrupt");
    const cleared = await sessions(daemon, ["interrupt", "s1", "--clear-queue"]);
    expect(cleared.request).toBe("POST /v1/sessions/s1/interrupt?clear_queue=true");
    expect(JSON.parse(cleared.stdout)).toEqual(response);
  });

  it("ends with a body, reason or not", async () => {
    const daemon = await fakeDaemon({ "POST /v1/sessions/s1/end": json(sessionView()) });
    expect((await sessions(daemon, ["end", "s1"])).body).toEqual({});
    expect((await sessions(daemon, ["end", "s1", "--reason", "done"])).body).toEqual({ reason: "done" });
  });
});
