import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type CreatedToken,
  type Endpoint,
  endpoints,
  isTerminal,
  type Json,
  type JsonObject,
  type RunDebugView,
  type RunView,
} from "@kheish/contract";
import { expect, vi } from "vitest";
import { WireDouble } from "../../src/model/testing/wire-double.ts";
import type { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { codexAccount, mcpAccount } from "../accounts/support.ts";
import { nodeServer } from "../mcp/support.ts";
import { AuthorizationServer, SECRET_CLIENT } from "../support/authorization-server.ts";
import { ChatProvider } from "../support/chat-provider.ts";
import { descendantsOf, type Evidence, environmentOf } from "../support/no-leak.ts";
import { cli, daemonOn, later, type Place, place, scratch } from "../support/operator.ts";
import { OtlpReceiver } from "../support/otlp-receiver.ts";

/** Awkward in every encoding, and no pattern of a vendor's: the redactor has to know it. */
const awkward = (name: string) => `${name}/+=&?~"\\ ${randomBytes(9).toString("base64")}`;

/** The archive, the evidence, and a stream of which the whole one shows everything: searched by other ways. */
const APART = new Set(["backup", "runDebugArtifact", "sessionStream"]);

/** How a text travels. */
export function formsOf(secret: string): string[] {
  const bytes = (text: string) => Buffer.from(text);
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret),
    bytes(secret).toString("base64"),
    bytes(secret).toString("base64url"),
    bytes(secret).toString("hex"),
    bytes(`user:${secret}`).toString("base64"),
  ];
}

/** One of every kind of secret that a daemon is given or holds, beside those that its accounts bring. */
export interface Secrets {
  route_key: string;
  route_key_of_environment: string;
  mcp_secret: string;
  admin_token: string;
  read_only_token: string;
  master_key: string;
  next_master_key: string;
  audit_key: string;
}

/** A daemon process with whatever it talks to: providers, an authorization server, an MCP server, a collector. */
export class Drill {
  readonly secrets: Secrets;
  readonly at: Place;
  /** A file outside of everything that is searched, in which a tool comes across secrets. */
  readonly found: string;
  readonly wire = new WireDouble();
  readonly chat = new ChatProvider();
  readonly authorization = new AuthorizationServer();
  readonly #files: { routes: string; admin: string; readOnly: string };
  #collector: OtlpReceiver | undefined;
  #daemon: DaemonProcess | undefined;

  private constructor(at: Place, secrets: Secrets) {
    this.at = at;
    this.secrets = secrets;
    const beside = (name: string) => join(at.directory, name);
    this.found = beside("found");
    this.#files = { routes: beside("routes.toml"), admin: beside("admin"), readOnly: beside("read-only") };
  }

  static async start(): Promise<Drill> {
    const drill = new Drill(await place(await scratch()), {
      route_key: awkward("route"),
      route_key_of_environment: awkward("environment"),
      mcp_secret: awkward("mcp"),
      admin_token: `admin-${randomBytes(24).toString("base64url")}`,
      read_only_token: `reader-${randomBytes(24).toString("base64url")}`,
      master_key: randomBytes(32).toString("base64"),
      next_master_key: randomBytes(32).toString("base64"),
      audit_key: randomBytes(32).toString("hex"),
    });
    await drill.#start();
    return drill;
  }

  get daemon(): DaemonProcess {
    if (this.#daemon === undefined) throw new Error("the daemon has not been started");
    return this.#daemon;
  }

  get collector(): OtlpReceiver {
    if (this.#collector === undefined) throw new Error("the collector has not been started");
    return this.#collector;
  }

  async #start(): Promise<void> {
    const { secrets, wire, chat, authorization } = this;
    const files = this.#files;
    for (const peer of [wire, chat, authorization]) {
      await peer.start();
      later(() => peer.stop());
    }
    this.#collector = await OtlpReceiver.start();
    later(() => this.collector.stop());
    // What is inline in the daemon's environment is what a child could inherit.
    vi.stubEnv("KHEISH_AUTH_STORE_MASTER_KEY", secrets.master_key);
    vi.stubEnv("KHEISH_EXTERNAL_ACTION_AUDIT_SIGNING_KEY", secrets.audit_key);
    vi.stubEnv("DRILL_KEY", secrets.route_key_of_environment);
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", this.collector.endpoint);
    later(async () => void vi.unstubAllEnvs());
    await writeFile(files.admin, `${secrets.admin_token}\n`, { mode: 0o600 });
    await writeFile(files.readOnly, `${secrets.read_only_token}\n`, { mode: 0o600 });
    await writeFile(files.routes, `[routes.simulator]\ndriver = "simulator"\n`);
    this.#daemon = await daemonOn(
      this.at,
      ...["--routes-file", files.routes, "--otel", "--log-level", "trace", "--http-auth-mode", "bearer"],
      ...["--http-admin-token-file", files.admin, "--http-readonly-token-file", files.readOnly],
    );
  }

  async ask(
    method: string,
    path: string,
    body?: object,
    token = this.secrets.admin_token,
  ): Promise<Response> {
    return fetch(`${this.daemon.baseUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** What is expected to succeed. */
  async call<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.ask(method, path, body);
    const text = await answer.text();
    expect(answer.ok, `${method} ${path}: ${text}`).toBe(true);
    return JSON.parse(text) as T;
  }

  /** One command line of an operator's. */
  async kheish(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await cli(this.daemon, "--token-file", this.#files.admin, ...argv);
    expect({ argv, code, stderr: code === 0 ? "" : stderr }).toEqual({ argv, code: 0, stderr: "" });
    return stdout;
  }

  /** Every secret is put where it belongs: the route's, the MCP server's, two accounts that work and one that does not. */
  async placeSecrets(): Promise<void> {
    const { secrets, authorization, wire, chat } = this;
    const put = (slot: object) => this.call("POST", "/v1/runtime/secrets", slot);
    const codex = codexAccount(authorization, await authorization.logIn());
    const tokens = await authorization.logIn();
    const key = { kind: "api_key", api_key: secrets.route_key };
    await put({ slot_id: "main.key", provider: "open_ai", mode: "api_key", state: key });
    await put({ slot_id: "team", provider: "open_ai", mode: "oauth_account", state: codex });
    await put(mcpAccount(authorization, tokens));
    const { kind: _, ...account } = mcpAccount(authorization, tokens).state as { kind: string };
    await this.call("POST", "/v1/runtime/auth/accounts/mcp-oauth", {
      ...account,
      slot_id: "mcp.oauth.refused",
      client_id: SECRET_CLIENT.id,
      client_secret: SECRET_CLIENT.secret,
    });
    await put({
      slot_id: "mcp.tracker.TOKEN",
      provider: "generic",
      mode: "opaque_secret",
      state: { value: secrets.mcp_secret },
    });
    const config = { ...nodeServer("everything"), env_secret_refs: { TRACKER_TOKEN: "mcp.tracker.TOKEN" } };
    await this.call("POST", "/v1/runtime/mcp/servers", { name: "tracker", config });
    const route = (id: string, credential: string) =>
      `[routes.${id}]\ndriver = "openai_compatible"\ndefault_model = "local"\nbase_url = "${wire.url}/v1"\n${credential}\n`;
    await writeFile(
      this.#files.routes,
      `default_route = "main"\n${route("main", 'auth_ref = "main.key"')}${route("env", 'api_key_env = "DRILL_KEY"')}${chat.route("team", "team")}`,
    );
    await this.call("POST", "/v1/runtime/routes/reload", {});
  }

  /** What the two accounts of a person have been given in their time. */
  issued(): Record<string, string> {
    return Object.fromEntries(
      this.authorization.issued.flatMap(({ access_token, refresh_token }, n) => [
        [`access_token_${n}`, access_token],
        [`refresh_token_${n}`, refresh_token],
      ]),
    );
  }

  async begin(content: string, provider = "main", session = "s"): Promise<string> {
    await this.ask("POST", "/v1/sessions", { session_id: session });
    const body = { content, provider };
    return (await this.call<RunView>("POST", `/v1/sessions/${session}/runs`, body)).run_id;
  }

  /** The run once it is as the test wants it. */
  async when(runId: string, wanted: (run: RunView) => boolean | Promise<boolean>): Promise<RunView> {
    for (;;) {
      const run = await this.call<RunView>("GET", `/v1/runs/${runId}`);
      if (await wanted(run)) return run;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async run(content: string, provider?: string, session?: string): Promise<RunView> {
    return this.when(await this.begin(content, provider, session), ({ status }) => isTerminal(status));
  }

  createToken(): Promise<CreatedToken> {
    const body = { name: "ci", verbs: ["read"], resources: ["sessions", "runs"] };
    return this.call<CreatedToken>("POST", "/v1/runtime/tokens", body);
  }

  /** Once a run's command is at work: the environment of every process below the daemon, the MCP server's apart. */
  async whileAtWork(runId: string): Promise<Record<"mcp" | "others", Record<string, Buffer>>> {
    const mark = join(this.at.workspace, "at-work");
    await this.when(runId, () => existsSync(mark));
    const found: Record<"mcp" | "others", Record<string, Buffer>> = { mcp: {}, others: {} };
    for (const pid of await descendantsOf(this.daemon.pid)) {
      const environment = await environmentOf(pid);
      const isServer = (await readFile(`/proc/${pid}/cmdline`)).includes("server-everything");
      found[isServer ? "mcp" : "others"][`/proc/${pid}/environ`] = environment;
    }
    return found;
  }

  /** The daemon comes back, with the master key that its slots are sealed with by now. */
  async restartWith(masterKey: string): Promise<void> {
    vi.stubEnv("KHEISH_AUTH_STORE_MASTER_KEY", masterKey);
    await this.daemon.restart();
  }

  /** Every file that the daemon and its tools write, and whatever it has said. */
  async written(): Promise<Evidence> {
    return {
      directories: [this.at.stateRoot, this.at.workspace],
      texts: {
        log: await readFile(this.at.log),
        traces: JSON.stringify([this.collector.raw, this.collector.headers]),
      },
    };
  }

  /** The answer of every endpoint that reads, for all of these; the events as their stream tells them. */
  async views(ids: Record<string, readonly string[]>): Promise<Record<string, string>> {
    const texts: Record<string, string> = {};
    for (const [id, endpoint] of Object.entries<Endpoint>(endpoints)) {
      if (endpoint.method !== "GET" || APART.has(id)) continue;
      const paths = pathsOf(endpoint.path, ids);
      if (paths === undefined) throw new Error(`${id}: say which ${endpoint.path} to search`);
      for (const path of paths)
        texts[path] =
          endpoint.kind === "sse"
            ? await this.#history(`${path}?cursor=0${id === "runStream" ? "&until=terminal" : ""}`)
            : await (await this.ask("GET", path)).text();
    }
    return texts;
  }

  /** Every artifact of debug evidence of a run. */
  async evidenceOf(runId: string): Promise<Record<string, string>> {
    const { artifacts } = await this.call<RunDebugView>("GET", `/v1/runs/${runId}/debug`);
    const texts: Record<string, string> = {};
    for (const { artifact_id: id } of artifacts)
      texts[`${runId} ${id}`] = await (
        await this.ask("GET", `/v1/runs/${runId}/debug/artifacts/${id}`)
      ).text();
    return texts;
  }

  /** A stream from its beginning; that of a run up to its end, that of the daemon up to what is its last event now. */
  async #history(path: string): Promise<string> {
    const { events } = await this.call<{ events: { tail_event_id_cursor: string } }>("GET", "/v1/status");
    const answer = await this.ask("GET", path);
    let text = "";
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes(`id: ${events.tail_event_id_cursor}\n`)) break;
    }
    return text;
  }
}

/** The path with every value of each of its parameters; undefined when none is known. */
function pathsOf(path: string, ids: Record<string, readonly string[]>): string[] | undefined {
  const name = /\{(\w+)\}/.exec(path)?.[1];
  if (name === undefined) return [path];
  return ids[name]?.flatMap((id) => pathsOf(path.replace(`{${name}}`, encodeURIComponent(id)), ids) ?? []);
}

/** A turn of the provider with calls. */
export function calls(...all: { name: string; input: JsonObject }[]): { events: Json[] } {
  const tool_calls = all.map(({ name, input }, index) => ({
    index,
    id: `c${index}`,
    type: "function",
    function: { name, arguments: JSON.stringify(input) },
  }));
  return { events: [chunk({ tool_calls }), chunk({}, "tool_calls")] };
}

/** A turn of the provider that says something and is the last. */
export function says(content: string): { events: Json[] } {
  return { events: [chunk({ content }), chunk({}, "stop")] };
}

/** A refusal of the provider's. */
export function refuses(status: number, message: string, code = "invalid_api_key") {
  return { status, body: { error: { message, code } } };
}

function chunk(delta: JsonObject, finish: string | null = null): Json {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "local", choices };
}
