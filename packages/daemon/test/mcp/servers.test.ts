import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject, McpServerView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { nodeServer, tomlServer, useMcp } from "./support.ts";

const serve = useMcp();
const EVERYTHING = nodeServer("everything");
/** No program of any machine. */
const ABSENT = { command: "/nonexistent/mcp-server" };

describe("a server that is added while the daemon runs", () => {
  test("03-R59 03-R67: is used by a session that was there before, outlives a restart, and is gone once it is removed", async () => {
    const control = await serve();
    const session = await control.session();
    const added = await control.add("every.thing", EVERYTHING);
    expect(added).toMatchObject({ status: 200, body: { selected_profiles: [] } });
    expect(await control.server("every.thing")).toMatchObject({
      source: "runtime_api",
      transport: "stdio",
      connected: true,
      uses_credentials: false,
      health: { state: "connected", protocol_version: "2025-11-25", failed_attempts: 0 },
    });
    const echo = "mcp__every_thing__echo";
    const before = await control.called(session, echo, { message: "hello" });
    expect(before).toMatchObject({
      untrusted: true,
      is_error: false,
      content: [{ type: "text", text: "Echo: hello" }],
      content_truncated: false,
      original_content_items: 1,
    });

    await control.daemon.restart();
    expect(await control.called(session, echo, { message: "again" })).toMatchObject({ is_error: false });

    const { tools } = await control.server("every.thing");
    expect(await control.remove("every.thing")).toEqual({
      status: 200,
      body: { name: "every.thing", retired_tools: tools },
    });
    expect(await control.called(session, echo, { message: "late" })).toEqual({ error: "tool not found" });
    await control.daemon.restart();
    expect(await control.mcp()).toMatchObject({ servers: [], tool_names: [] });
  });

  test("03-R67: what does not answer is not registered, and its name stays free", async () => {
    const control = await serve();
    for (const [config, words] of [
      [ABSENT, "could not start (ENOENT)"],
      [
        { command: process.execPath, args: ["-e", "console.error('no key given'); process.exit(3)"] },
        "no key given",
      ],
      // A port that nobody listens on, and one that fetch does not speak to.
      [{ url: "http://127.0.0.1:4/mcp" }, "ECONNREFUSED"],
      [{ url: "http://127.0.0.1:9/mcp" }, "bad port"],
      [
        { url: "https://127.0.0.1/mcp", bearer_token_secret_ref: "mcp.none" },
        "there is no secret slot 'mcp.none'",
      ],
      [{ command: "sleep", args: ["60"], startup_timeout_sec: 1 }, "did not answer within 1 s"],
    ] satisfies [JsonObject, string][]) {
      const answer = await control.add("s", config);
      expect(answer).toMatchObject({ status: 400, body: { code: "mcp_server_unreachable" } });
      expect(answer.body.detail).toContain(words);
    }
    expect((await control.mcp()).servers).toEqual([]);
    expect((await control.add("s", EVERYTHING)).status).toBe(200);
    await control.daemon.restart();
    expect((await control.mcp()).servers).toMatchObject([{ server: "s", connected: true }]);
  });

  test.each<[JsonObject, number, string]>([
    [{ name: "s", config: { ...EVERYTHING, url: "http://x/" } }, 422, "/config"],
    [{ name: "s", config: {} }, 400, "mcp_config_invalid"],
    [{ name: "s", config: { ...EVERYTHING, enabled: false } }, 400, "mcp_config_invalid"],
    [{ name: "a b", config: EVERYTHING }, 422, "/name"],
    [{ name: "s" }, 422, "/config"],
    [{ name: "s", config: { ...EVERYTHING, disabled_tool: ["echo"] } }, 422, "/config"],
    [{ name: "s", config: { ...EVERYTHING, bearer_token_env_var: "X" } }, 422, "bearer_token_env_var"],
    [{ name: "s", config: { url: "ftp://x/" } }, 422, "/config/url"],
    [{ name: "s", config: { url: "http://user:pw@x/" } }, 422, "/config/url"],
    [
      { name: "s", config: { url: "http://x/", headers: { A: "1" }, env_http_headers: { a: "X" } } },
      422,
      "two sources",
    ],
    [{ name: "s", config: { url: "http://x/", oauth_slot_ref: "mcp.other" } }, 422, "mcp.oauth."],
    [
      { name: "s", config: { ...EVERYTHING, inherit_env: true, env_secret_refs: { A: "s" } } },
      422,
      "inherit_env",
    ],
    [
      { name: "s", config: { ...EVERYTHING, env: { A: "1" }, env_secret_refs: { A: "s" } } },
      422,
      "'A' is in 'env'",
    ],
  ])("03, MCP server entry: mistake %# is refused", async (body, status, words) => {
    const control = await serve();
    const answer = await control.call("POST", "/v1/runtime/mcp/servers", body);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(words);
  });

  test("03-R67: names are unique, and so are those of tools", async () => {
    const control = await serve({ config: tomlServer("files", nodeServer("filesystem", "/tmp")) });
    await control.add("a.b", EVERYTHING);
    expect(await control.add("a.b", EVERYTHING)).toMatchObject({
      status: 409,
      body: { code: "mcp_server_exists" },
    });
    expect(await control.add("files", EVERYTHING)).toMatchObject({
      status: 409,
      body: { code: "mcp_server_exists" },
    });
    const clash = await control.add("a_b", EVERYTHING);
    expect(clash).toMatchObject({ status: 409, body: { code: "mcp_tool_conflict" } });
    expect(clash.body.detail).toContain("mcp__a_b__echo");
    expect((await control.mcp()).servers.map(({ server }) => server)).toEqual(["files", "a.b"]);
    expect(await control.remove("files")).toMatchObject({
      status: 409,
      body: { code: "mcp_server_not_removable" },
    });
    expect(await control.remove("nobody")).toMatchObject({
      status: 404,
      body: { code: "mcp_server_not_found" },
    });
  });

  test("08: the console's spelling of the request is taken as well", async () => {
    const control = await serve();
    const body = { name: "s", server: EVERYTHING };
    expect((await control.call("POST", "/v1/runtime/mcp/servers", body)).status).toBe(200);
  });
});

describe("the configuration", () => {
  test("03-R57 03, weaknesses: is read again without a restart; who did not change keeps its process", async () => {
    const both = tomlServer("keeps", EVERYTHING) + tomlServer("goes", EVERYTHING);
    const control = await serve({ config: both });
    expect((await control.mcp()).config_path).toBe(control.configFile);
    const kept = (await control.server("keeps")).health;

    const next =
      tomlServer("keeps", EVERYTHING) +
      tomlServer("new", { ...nodeServer("memory"), enabled_tools: ["read_graph"] });
    await writeFile(control.configFile, next);
    const { status, body } = await control.call("POST", "/v1/runtime/mcp/reload");
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { added: ["new"], removed: ["goes"], changed: [] },
    });
    expect(await control.server("keeps")).toMatchObject({ health: kept });
    expect((await control.server("new")).tools).toEqual(["mcp__new__read_graph"]);

    await writeFile(control.configFile, tomlServer("keeps", { ...EVERYTHING, disabled_tools: ["echo"] }));
    expect((await control.call("POST", "/v1/runtime/mcp/reload")).body).toMatchObject({ changed: ["keeps"] });
    expect((await control.server("keeps")).tools).not.toContain("mcp__keeps__echo");

    await writeFile(control.configFile, "[mcp_servers.keeps]\ncommand = 7\n");
    expect(await control.call("POST", "/v1/runtime/mcp/reload")).toMatchObject({
      status: 400,
      body: { code: "mcp_config_invalid", detail: expect.stringContaining("mcp_servers.keeps.command") },
    });
    expect(await control.server("keeps")).toMatchObject({ connected: true });
  });

  test("03-R60 03-R68: who is not required may be absent; it stays listed with its error and is tried again", async () => {
    const control = await serve({ config: tomlServer("absent", ABSENT) + tomlServer("there", EVERYTHING) });
    expect(await control.server("there")).toMatchObject({ connected: true });
    const isTriedAgain = ({ health }: McpServerView) =>
      health.state === "waiting_to_reconnect" && health.failed_attempts > 1;
    expect(await control.serverIs("absent", isTriedAgain)).toMatchObject({
      connected: false,
      tools: [],
      error: expect.stringContaining("ENOENT"),
      health: { next_attempt_at_ms: expect.any(Number) },
    });
    const { body } = await control.call("GET", "/v1/runtime");
    expect(body).toMatchObject({ mcp: { servers: [{ server: "absent" }, { server: "there" }] } });
    const helpers = ["list_mcp_resources", "list_mcp_resource_templates", "read_mcp_resource"];
    expect((await control.mcp()).tool_names.slice(0, 3)).toEqual(helpers);
  });

  test.each<[string, string, string[], string]>([
    [
      "03, required: who must be there and is not",
      tomlServer("s", { ...ABSENT, required: true }),
      [],
      "is required",
    ],
    ["03-R58: a profile that nobody knows", "", ["docz"], "there is no MCP profile 'docz'"],
    [
      "03-R58: profiles with no entry that is supported",
      "",
      ["browser-ui"],
      "have no entry that is supported",
    ],
    [
      "03-R58: a server that a profile brings along as well",
      tomlServer("linear", ABSENT),
      ["planning"],
      "'linear' is configured twice",
    ],
    [
      "03-R58: two tools of one name",
      tomlServer("a.b", EVERYTHING) + tomlServer("a_b", EVERYTHING),
      [],
      "would be called 'mcp__a_b__echo'",
    ],
    [
      "03: a slot that is not there",
      tomlServer("s", { url: "https://127.0.0.1/", bearer_token_secret_ref: "mcp.x" }),
      [],
      "there is no secret slot 'mcp.x'",
    ],
    [
      "a key that nobody knows",
      tomlServer("s", { ...EVERYTHING, disable_tools: ["echo"] }),
      [],
      "unknown key 'disable_tools'; there are args, ",
    ],
    ["no TOML", "[mcp_servers.s\n", [], "is no valid TOML at line 1, column "],
  ])("%s keeps the daemon from starting", async (_name, config, profiles, words) => {
    await expect(serve({ config, profiles })).rejects.toThrow(words);
  });

  test("03, MCP server entry: neither command nor URL, or not enabled: the entry is skipped", async () => {
    const config = tomlServer("empty", { args: [] }) + tomlServer("off", { ...EVERYTHING, enabled: false });
    expect((await (await serve({ config })).mcp()).servers).toEqual([]);
  });

  test("03-R57: the file of Codex is found, and what it has beside is not ours", async () => {
    const control = await serve();
    const codex = join(control.daemon.directory, ".codex");
    await mkdir(codex);
    const own =
      '[mcp_servers.own]\nurl = "http://127.0.0.1:9/"\nexperimental = true\nhttp_headers = { A = "1" }\n';
    await writeFile(
      join(codex, "config.toml"),
      `model = "x"\n${tomlServer("everything", { ...EVERYTHING, startup_timeout_sec: 9.5 })}${own}`,
    );
    const credentials = {
      k: { server_name: "own", server_url: "http://127.0.0.1:9/", access_token: "imported" },
    };
    await writeFile(join(codex, ".credentials.json"), JSON.stringify(credentials));
    await control.daemon.restart();
    expect(await control.server("everything")).toMatchObject({ source: "codex_config", connected: true });
    expect(await control.server("own")).toMatchObject({ connected: false, uses_credentials: true });
    await writeFile(join(codex, "config.toml"), "broken =");
    await control.daemon.restart();
    expect((await control.mcp()).servers).toEqual([]);
    const disabled = { mcp: { discovery: "disabled" as const, profiles: [] } };
    await writeFile(join(codex, "config.toml"), tomlServer("everything", EVERYTHING));
    await control.daemon.restart(disabled);
    expect((await control.mcp()).servers).toEqual([]);
  });
});
