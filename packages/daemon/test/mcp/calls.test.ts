import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { JsonObject, RunView } from "@kheish/contract";
import { describe, expect, onTestFinished, test } from "vitest";
import { ChatProvider } from "../support/chat-provider.ts";
import { eventually, type McpControl, nodeServer, SAY, serverProgram, useMcp } from "./support.ts";

const serve = useMcp();
const EVERYTHING = nodeServer("everything");

async function withEverything(options: Parameters<typeof serve>[0] = {}, more: JsonObject = {}) {
  const control = await serve(options);
  const added = await control.add("e", { ...EVERYTHING, ...more });
  expect(added.status, JSON.stringify(added.body)).toBe(200);
  return control;
}

const textOf = (output: JsonObject) => (output.content as { text: string }[])[0]?.text ?? "";

describe("what a server answers", () => {
  test("03, `mcp__{server}__{tool}`: structured content stays, errors are told, absent fields are left out (03-R65)", async () => {
    const control = await withEverything();
    const session = await control.session();
    expect(
      await control.called(session, "mcp__e__get-structured-content", { location: "Chicago" }),
    ).toMatchObject({ structured_content: { temperature: 36 }, is_error: false });
    const wrong = await control.called(session, "mcp__e__get-sum", { a: 1, b: null });
    expect(wrong).toMatchObject({ is_error: true });
    expect(textOf(wrong)).toContain("expected number");
    const optional = { name: "x", data: "data:text/plain,hi", outputType: null };
    expect(await control.called(session, "mcp__e__gzip-file-as-resource", optional)).toMatchObject({
      is_error: false,
    });
  });

  test("03, weaknesses: media are kept whole, as blobs, and leave the prompt alone", async () => {
    const control = await withEverything();
    const session = await control.session();
    const image = await control.called(session, "mcp__e__get-tiny-image");
    expect(image.content).toEqual([
      { type: "text", text: expect.any(String) },
      {
        type: "image",
        mimeType: "image/png",
        blob: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/), size_bytes: 4033 },
      },
      { type: "text", text: expect.any(String) },
    ]);
    const blob = await control.called(session, "read_mcp_resource", {
      server: "e",
      uri: "demo://resource/dynamic/blob/1",
    });
    expect(blob).toMatchObject({
      server: "e",
      untrusted: true,
      contents: [{ uri: "demo://resource/dynamic/blob/1", blob: { size_bytes: expect.any(Number) } }],
    });
  });

  test("03, read_mcp_resource and its like: of one server, of all of them, and of one that fails", async () => {
    const control = await withEverything();
    await control.add("m", nodeServer("memory"));
    const session = await control.session();
    const one = await control.called(session, "list_mcp_resources", { server: "e" });
    expect(one).toMatchObject({ server: "e", untrusted: true, next_cursor: null });
    expect(one.resources).toContainEqual(expect.objectContaining({ name: "architecture.md" }));
    const all = await control.called(session, "list_mcp_resource_templates");
    expect(all).toMatchObject([{ server: "e" }, { server: "m" }]);
    const unknown = await control.called(session, "list_mcp_resources", { server: "nobody" });
    expect(unknown).toMatchObject({ error: "there is no MCP server 'nobody'" });
    const prompts = await control.called(session, "list_mcp_prompts", { server: "e" });
    expect(prompts.prompts).toContainEqual(expect.objectContaining({ name: "args-prompt" }));
    const filled = { server: "e", name: "args-prompt", arguments: { city: "Oslo" } };
    expect(JSON.stringify(await control.called(session, "get_mcp_prompt", filled))).toContain("Oslo");
  });

  test("03-R19: what reaches a server asks first, unless the mode says otherwise", async () => {
    const control = await withEverything({ permissionMode: "default" });
    const session = await control.session();
    for (const tool of ["mcp__e__echo", "list_mcp_resources", "list_mcp_prompts", "get_mcp_prompt"]) {
      const body = { tool_name: tool };
      expect((await control.call("POST", "/v1/runtime/permissions/check", body)).body).toMatchObject({
        decision: "ask",
      });
    }
    const run = await control.play(session, [control.callOf("mcp__e__echo", { message: "x" }), SAY]);
    const waiting = await control.reaches(run, "waiting_for_approval");
    const [request_id] = waiting.pending_approval_ids ?? [];
    const resolutions = [{ request_id, behavior: "allow", updated_input: { message: "edited" } }];
    await control.call("POST", `/v1/runs/${run}/approvals`, { resolutions });
    expect(textOf(await control.result(run))).toBe("Echo: edited");
  });
});

describe("03-A2: the environment of a server's process", () => {
  const HOST = {
    OPENAI_KEY_OF_SOMEBODY: "sk-not-ours",
    HARMLESS: "1",
    KHEISH_HTTP_ADMIN_TOKEN: "t0ken-of-the-daemon",
  };
  const envOf = async (control: McpControl, session: string) =>
    JSON.parse(textOf(await control.called(session, "mcp__e__get-env"))) as Record<string, string>;

  test("is a few harmless names and what the entry says; secrets come from slots", async () => {
    const control = await serve({ env: HOST });
    await control.call("POST", "/v1/runtime/secrets", {
      slot_id: "mcp.e.KEY",
      provider: "generic",
      mode: "opaque_secret",
      state: { value: "the-key-of-the-server" },
    });
    await control.add("e", { ...EVERYTHING, env: { SAID: "yes" }, env_secret_refs: { KEY: "mcp.e.KEY" } });
    const env = await envOf(control, await control.session());
    // What the server says of its key is redacted on the way back.
    expect(env).toMatchObject({ SAID: "yes", KEY: "<redacted>" });
    const names = Object.keys(env).filter((name) => !name.startsWith("LC_"));
    expect(new Set(["PATH", "HOME", "SAID", "KEY"])).toEqual(new Set(names));
    expect(await control.server("e")).toMatchObject({
      uses_credentials: true,
      credential_secret_refs: ["mcp.e.KEY"],
    });
  });

  test("is the daemon's only when the entry says so, and never what holds a secret", async () => {
    const control = await serve({ env: { ...HOST, COPY: "another-secret-of-ours" } });
    await control.call("POST", "/v1/runtime/secrets", {
      slot_id: "mcp.other",
      provider: "generic",
      mode: "opaque_secret",
      state: { value: "another-secret-of-ours" },
    });
    await control.add("e", { ...EVERYTHING, inherit_env: true });
    const env = await envOf(control, await control.session());
    expect(env).toMatchObject({ HARMLESS: "1" });
    expect(Object.keys(env).filter((name) => name === "COPY" || name.startsWith("KHEISH_"))).toEqual([]);
  });
});

describe("03-R64: what a session may see and use", () => {
  test("its capability scope hides servers and tools", async () => {
    const control = await withEverything();
    await control.add("m", nodeServer("memory"));
    const only = await control.session("only-m", { capability_scope: { mcp_server_allow: ["m"] } });
    expect(await control.called(only, "mcp__e__echo", { message: "x" })).toEqual({
      error: "tool 'mcp__e__echo' is not available in this session",
    });
    expect(await control.called(only, "mcp__m__read_graph")).toMatchObject({ is_error: false });
    expect(await control.called(only, "list_mcp_resources", { server: "e" })).toEqual({
      error: "MCP server 'e' is not available in this session",
    });
    expect(await control.called(only, "list_mcp_resources")).toMatchObject([{ server: "m" }]);
    const no = await control.session("no-echo", { capability_scope: { mcp_tool_deny: ["mcp__e__echo"] } });
    expect(await control.called(no, "mcp__e__echo", { message: "x" })).toMatchObject({
      error: expect.any(String),
    });
    expect(await control.called(no, "mcp__e__get-sum", { a: 1, b: 2 })).toMatchObject({ is_error: false });
    const check = { tool_name: "mcp__e__echo", session_id: "no-echo" };
    expect((await control.call("POST", "/v1/runtime/permissions/check", check)).body).toMatchObject({
      decision: "deny",
    });
  });

  test("its credential scope, its subject and the slot decide at each call (03-R61, 02-R63)", async () => {
    const control = await serve();
    const slot = {
      slot_id: "mcp.e.KEY",
      provider: "generic",
      mode: "opaque_secret",
      state: { value: "first-key" },
    };
    await control.call("POST", "/v1/runtime/secrets", slot);
    await control.add("e", { ...EVERYTHING, env_secret_refs: { KEY: "mcp.e.KEY" } });
    await control.add("free", EVERYTHING);
    const none = await control.session("none", { credential_scope: { mcp_server_deny: ["*"] } });
    const all = await control.session("all");
    const echo = (session: string, server = "e") =>
      control.called(session, `mcp__${server}__echo`, { message: "x" });
    expect(await echo(none)).toMatchObject({ error: expect.stringContaining("credential scope") });
    expect(await echo(none, "free")).toMatchObject({ is_error: false });
    expect(await echo(all)).toMatchObject({ is_error: false });
    await control.call("POST", "/v1/runtime/auth/subjects/session%3Aall/revoke", { reason: "a drill" });
    expect(await echo(all)).toMatchObject({ error: expect.stringContaining("revoked") });

    const deleted = await control.call("DELETE", "/v1/runtime/secrets/mcp.e.KEY");
    expect(deleted).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("MCP server 'e'") },
    });

    const another = await control.session("another");
    await control.call("POST", "/v1/runtime/auth/slots/mcp.e.KEY/disable", { reason: "leaked" });
    const stopped = await control.serverIs("e", ({ connected }) => !connected);
    expect(stopped).toMatchObject({ tools: [], error: "the credential 'mcp.e.KEY' has changed" });
    expect(await echo(another)).toEqual({ error: "tool not found" });
    await control.call("POST", "/v1/runtime/secrets", { ...slot, state: { value: "second-key" } });
    await control.serverIs("e", ({ connected }) => connected);
    expect(await echo(another)).toMatchObject({ is_error: false });
  });

  test("03-R62: a server with an OAuth account is connected to by a session that may use the account", async () => {
    const { url, headers } = await everythingOverHttp();
    const control = await serve();
    const account = {
      slot_id: "mcp.oauth.e",
      provider: "mcp_oauth",
      mode: "oauth_account",
      state: {
        kind: "mcp_o_auth_account",
        server_name: "e",
        resource: url,
        issuer: "https://issuer.example",
        authorization_endpoint: "https://issuer.example/a",
        token_endpoint: "https://issuer.example/t",
        client_id: "c",
        access_token: "the-token-of-the-account",
        scopes: [],
      },
    };
    expect((await control.call("POST", "/v1/runtime/secrets", account)).status).toBe(200);
    expect((await control.add("e", { url, oauth_slot_ref: "mcp.oauth.e" })).status).toBe(200);
    await control.daemon.restart();
    expect(await control.server("e")).toMatchObject({
      connected: false,
      tools: [],
      error: "oauth_requires_scoped_runtime_initialization",
    });
    expect((await control.mcp()).tool_names).toContain("read_mcp_resource");
    const none = await control.session("none", { credential_scope: { mcp_server_deny: ["e"] } });
    expect(await control.called(none, "list_mcp_resources", { server: "e" })).toMatchObject({
      error: expect.stringContaining("credential scope"),
    });
    expect(headers).toEqual([]);
    const session = await control.session();
    expect(await control.called(session, "list_mcp_resources", { server: "e" })).toMatchObject({
      server: "e",
    });
    expect(new Set(headers.map(({ authorization }) => authorization))).toEqual(
      new Set(["Bearer the-token-of-the-account"]),
    );
    expect(await control.called(session, "mcp__e__echo", { message: "x" })).toMatchObject({
      is_error: false,
    });
    const renewed = { ...account, state: { ...account.state, access_token: "the-token-after-it" } };
    expect((await control.call("POST", "/v1/runtime/secrets", renewed)).status).toBe(200);
    expect(await control.called(session, "mcp__e__echo", { message: "y" })).toMatchObject({
      is_error: false,
    });
    expect(headers.at(-1)).toMatchObject({ authorization: "Bearer the-token-after-it" });
    await control.call("POST", "/v1/runtime/auth/slots/mcp.oauth.e/disable", { reason: "leaked" });
    await control.serverIs("e", ({ connected }) => !connected);
    expect(await control.called(session, "list_mcp_resources", { server: "e" })).toMatchObject({
      error: expect.stringContaining("disabled"),
    });
  });
});

/** server-everything behind a door that keeps the headers it is sent. */
async function everythingOverHttp(port = 0) {
  const headers: IncomingMessage["headers"][] = [];
  const inner = await freePort(port);
  const start = () => {
    const child = spawn(process.execPath, [serverProgram("everything"), "streamableHttp"], {
      env: { PATH: process.env.PATH, PORT: String(inner) },
      stdio: ["ignore", "ignore", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  };
  let child = start();
  const url = `http://127.0.0.1:${inner}/mcp`;
  await answering(url);
  const through = async (request: IncomingMessage, response: ServerResponse) => {
    headers.push(request.headers);
    const body = await new Response(request as never).arrayBuffer();
    const { host: _host, connection: _connection, "content-length": _length, ...rest } = request.headers;
    const answer = await fetch(url, {
      method: request.method ?? "GET",
      headers: rest as Record<string, string>,
      ...(body.byteLength === 0 ? {} : { body }),
    });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    // A stream that breaks off behind the door breaks off in front of it.
    if (answer.body !== null)
      await answer.body.pipeTo(Writable.toWeb(response)).catch(() => response.destroy());
    else response.end();
  };
  const door = await httpServer((request, response) => {
    through(request, response).catch(() => response.destroy());
  });
  return {
    url: `http://127.0.0.1:${door}/mcp`,
    direct: url,
    headers,
    async restart() {
      child.kill("SIGKILL");
      await once(child, "exit");
      child = start();
      await answering(url);
    },
  };
}

async function answering(url: string): Promise<void> {
  await eventually(() =>
    fetch(url, { method: "POST" }).then(
      () => true,
      () => undefined,
    ),
  );
}

async function freePort(wanted: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(wanted, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function httpServer(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe("a server from npm over streamable HTTP", () => {
  test("03, MCP server entry: gets its headers from literals, variables and slots", async () => {
    const { url, headers } = await everythingOverHttp();
    const control = await serve({ env: { TENANT: "tenant-of-ours", TOKEN: "bearer-from-variable" } });
    await control.call("POST", "/v1/runtime/secrets", {
      slot_id: "mcp.e.header",
      provider: "generic",
      mode: "opaque_secret",
      state: { value: "header-from-slot" },
    });
    const added = await control.add("e", {
      url,
      headers: { "x-literal": "1" },
      env_http_headers: { "x-tenant": "TENANT" },
      http_header_secret_refs: { "x-secret": "mcp.e.header" },
      bearer_token_env_var: "TOKEN",
    });
    expect(added.status, JSON.stringify(added.body)).toBe(200);
    expect(headers.at(-1)).toMatchObject({
      "x-literal": "1",
      "x-tenant": "tenant-of-ours",
      "x-secret": "header-from-slot",
      authorization: "Bearer bearer-from-variable",
    });
    const session = await control.session();
    // Whatever echoes a secret of ours shows it nowhere.
    const echoed = await control.called(session, "mcp__e__echo", { message: "bearer-from-variable" });
    expect(JSON.stringify(echoed)).not.toContain("bearer-from-variable");
  });

  test("that was restarted and knows us no more is found again, within the call", async () => {
    const { direct: url, restart } = await everythingOverHttp();
    const control = await serve();
    await control.add("e", { url });
    const session = await control.session();
    const echo = () => control.called(session, "mcp__e__echo", { message: "x" });
    expect(await echo()).toMatchObject({ is_error: false });
    await restart();
    expect(await echo()).toMatchObject({ is_error: false });
    expect(await control.server("e")).toMatchObject({ connected: true, health: { failed_attempts: 0 } });
  });

  test("that dies in the middle of a call which may be repeated is called again", async () => {
    const { url, headers, restart } = await everythingOverHttp();
    const control = await serve();
    await control.add("e", { url, tool_timeout_sec: 15 });
    const session = await control.session();
    const before = headers.length;
    const call = control.callOf("mcp__e__trigger-long-running-operation", { duration: 2, steps: 2 });
    const run = await control.play(session, [call, SAY]);
    await eventually(async () => (headers.length > before ? true : undefined));
    await restart();
    expect(textOf(await control.result(run))).toContain("Long running operation completed");
  });

  test("03-A1: may be on this machine, and is not followed to another origin", async () => {
    const { direct } = await everythingOverHttp();
    const port = await httpServer((_request, response) => {
      response.writeHead(307, { location: direct }).end();
    });
    const control = await serve();
    const answer = await control.add("e", { url: `http://127.0.0.1:${port}/mcp` });
    expect(answer).toMatchObject({ status: 400, body: { code: "mcp_server_unreachable" } });
    expect(answer.body.detail).toContain("another origin");
  });
});

describe("03, weaknesses: many tools", () => {
  test("are searched for when they would crowd the prompt, and those that were found are there from then on", async () => {
    const provider = new ChatProvider();
    await provider.start();
    onTestFinished(() => provider.stop());
    const route = `default_route = "simulator"\n${provider.route("local", "k").replace(/auth_ref.*/, "unauthenticated = true")}[routes.simulator]\ndriver = "simulator"\n`;
    const control = await serve({ routes: route });
    /** The tools that a model is shown next. */
    const shown = async (session: string) => {
      const body = { content: "hi", provider: "local" };
      const run = await control.call<RunView>("POST", `/v1/sessions/${session}/runs`, body);
      await control.ends(run.body.run_id);
      const tools = (provider.requests.at(-1)?.tools ?? []) as { function: { name: string } }[];
      return tools.map((tool) => tool.function.name).filter((name) => /mcp|search_tools/.test(name));
    };
    await control.add("first", EVERYTHING);
    const session = await control.session();
    expect(await shown(session)).toContain("mcp__first__get-tiny-image");
    expect(await shown(session)).not.toContain("search_tools");
    for (let n = 0; n < 5; n++) await control.add(`more-${n}`, nodeServer("filesystem", "/tmp"));
    const helpers = (await control.mcp()).tool_names.filter((name) => !name.startsWith("mcp__"));
    expect(await shown(session)).toEqual(helpers.toSorted());
    expect(helpers).toContain("search_tools");
    const found = await control.called(session, "search_tools", { query: "tiny image", limit: 2 });
    expect(found).toMatchObject({ tools: [{ name: "mcp__first__get-tiny-image" }, expect.anything()] });
    // What was found, and what was called without having been.
    await control.called(session, "mcp__more-1__list_allowed_directories");
    const names = (found.tools as { name: string }[]).map(({ name }) => name);
    expect(await shown(session)).toEqual(
      [...helpers, ...names, "mcp__more-1__list_allowed_directories"].toSorted(),
    );
    expect(await shown(await control.session("fresh"))).toEqual(helpers.toSorted());
  });
});

describe("an operator", () => {
  test("03, `mcp tools call`: calls a loaded tool, over HTTP and from the command line", async () => {
    const control = await withEverything();
    expect(await control.operatorCall("mcp__e__echo", { message: "hi" })).toMatchObject({
      status: 200,
      body: { tool_name: "mcp__e__echo", output: { content: [{ type: "text", text: "Echo: hi" }] } },
    });
    expect(await control.operatorCall("mcp__e__nothing")).toMatchObject({
      status: 404,
      body: { code: "mcp_tool_not_found" },
    });
    expect(await control.operatorCall("bash")).toMatchObject({ status: 404 });
    // Nobody is there to answer it.
    const asked = await control.operatorCall("mcp__e__trigger-elicitation-request");
    expect(JSON.stringify(asked.body)).toContain("cancel");
    const said = await control.cli(
      "mcp",
      "tools",
      "call",
      "mcp__e__echo",
      "--input-json",
      '{"message":"cli"}',
    );
    expect(JSON.parse(said.stdout)).toMatchObject({ output: { content: [{ text: "Echo: cli" }] } });
  });

  test("03, CLI: sees servers, adds and removes them, and reads the catalog without a daemon", async () => {
    const control = await serve();
    const add = ["mcp", "servers", "add", "files", "--disable-tool", "write_file", "--"];
    const added = await control.cli(...add, process.execPath, serverProgram("filesystem"), "/tmp");
    expect(added.stderr).toBe("");
    expect(JSON.parse(added.stdout)).toMatchObject({ servers: [{ server: "files", connected: true }] });
    const listed = JSON.parse((await control.cli("mcp", "servers", "list")).stdout);
    expect(listed.servers[0].tools).not.toContain("mcp__files__write_file");
    expect((await control.cli("mcp", "reload")).code).toBe(0);
    const removed = await control.cli("mcp", "servers", "remove", "files");
    expect(JSON.parse(removed.stdout)).toMatchObject({ name: "files" });
    expect((await control.cli("mcp", "servers", "remove", "files")).code).toBe(5);

    const offline = (...argv: string[]) => control.cli("mcp", ...argv);
    const catalog = JSON.parse((await offline("catalog", "list", "--profile", "repo")).stdout);
    expect(catalog.map(({ id }: { id: string }) => id)).toEqual(["github", "gitlab"]);
    expect(JSON.parse((await offline("catalog", "list", "--supported-only")).stdout)).toHaveLength(9);
    expect(JSON.parse((await offline("profiles", "list")).stdout)).toHaveLength(10);
    expect((await offline("catalog", "get", "none")).code).toBe(5);
    expect(JSON.parse((await offline("auth", "slots", "linear")).stdout)).toEqual({
      entry_id: "linear",
      server_name: "linear",
      credentials: [{ credential_env: "LINEAR_API_KEY", secret_ref: "mcp.linear.LINEAR_API_KEY" }],
    });
    const set = await control.cli("mcp", "auth", "set", "linear", "--value", "lin_api_key_of_somebody");
    expect(JSON.parse(set.stdout)).toMatchObject({ slot_id: "mcp.linear.LINEAR_API_KEY" });
    expect(set.stdout).not.toContain("lin_api_key_of_somebody");
  });
});

test("03-R66: every request and answer is an external action, with digests and no content", async () => {
  const control = await withEverything();
  const session = await control.session();
  const echo = control.callOf("mcp__e__echo", { message: "what nobody else reads" });
  const runId = await control.play(session, [echo, SAY]);
  await control.result(runId);
  await control.call("POST", "/v1/runtime/mcp/tools/mcp__e__echo/call", {
    input: { message: "an operator's" },
  });
  await control.call("POST", "/v1/runtime/mcp/reload", {});
  await control.call("DELETE", "/v1/runtime/mcp/servers/e");

  const run = await control.call<JsonObject[]>("GET", `/v1/runs/${runId}/external-actions`);
  const ofRun = run.body.filter(({ target }) => target === "mcp:e/echo");
  expect(ofRun.map(({ kind, phase, outcome }) => [kind, phase, outcome ?? null])).toEqual([
    ["mcp", "request", null],
    ["mcp", "response", "ok"],
  ]);
  for (const { request_digest } of ofRun.slice(0, 1)) expect(request_digest).toMatch(/^[0-9a-f]{64}$/);

  const exported = await control.call<{ lines: string[] }>("GET", "/v1/audit/export");
  const text = exported.body.lines.join("\n");
  for (const target of ["mcp:connect:e", "mcp:list_tools:e", "mcp:e/echo", "mcp/servers/e", "mcp/servers"])
    expect(text).toContain(`"target":"${target}"`);
  expect(text).not.toContain("what nobody else reads");
  expect(text).not.toContain("an operator's");
});

test("the program of a server is found where npm put it", () => {
  expect(serverProgram("memory")).toContain(join("server-memory", "dist", "index.js"));
});
