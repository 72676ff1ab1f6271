import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { CliClock } from "../../src/surface/cli/context.ts";
import { FakeMachine } from "../../src/surface/cli/testing/run-cli.ts";
import { AuthorizationServer, Person, SECRET_CLIENT } from "../support/authorization-server.ts";
import { eventually, type McpControl } from "./support.ts";

const PROGRAM = fileURLToPath(new URL("./protected-server.ts", import.meta.url));
export const SLOT = "mcp.oauth.tracker";
/** The tool of the protected server that brings it up: its own are not known before (03-R62). */
export const OPEN = { name: "list_mcp_resources", input: { server: "tracker" } };

/** An authorization server, and an MCP server in a process of its own that lets in who has logged in there. */
export class OAuthWorld {
  readonly authorization: AuthorizationServer;
  readonly #directory: string;
  #server: ChildProcess | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
    this.authorization = new AuthorizationServer({ resourceAt: (issuer) => this.#start(issuer, "0") });
  }

  static async create(): Promise<OAuthWorld> {
    const directory = await mkdtemp(join(tmpdir(), "kheish-oauth-"));
    const world = new OAuthWorld(directory);
    onTestFinished(async () => {
      await world.killServer();
      await world.authorization.stop();
      await rm(directory, { recursive: true, force: true });
    });
    await world.authorization.start();
    return world;
  }

  get resource(): string {
    return this.authorization.resource;
  }

  /** Where it was before. */
  async startServer(): Promise<void> {
    const { issuer } = this.authorization;
    await this.#start(issuer, new URL(this.resource).port);
  }

  /** Answers what it calls itself. */
  async #start(issuer: string, port: string): Promise<string> {
    const client = `${SECRET_CLIENT.id}:${SECRET_CLIENT.secret}`;
    const server = spawn(process.execPath, [PROGRAM, port, this.#directory, issuer, client], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#server = server;
    const [said] = await once(server.stdout, "data");
    return String(said).trim();
  }

  async killServer(): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  }

  /** Its tools take until this. */
  letGo(): Promise<void> {
    return writeFile(join(this.#directory, "go"), "");
  }

  /** The server takes this token no more; its issuer still does. */
  deny(token: string): Promise<void> {
    return writeFile(join(this.#directory, "denied"), token);
  }

  /** What it did, and which tokens it refused. */
  async ledger(): Promise<string[]> {
    const text = await readFile(join(this.#directory, "ledger"), "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }

  /** How often a line stands there, once it does. */
  written(line: string, times = 1): Promise<true> {
    return eventually(async () =>
      (await this.ledger()).filter((one) => one === line).length >= times ? true : undefined,
    );
  }

  /** As a person does it: the CLI prints where to go, they go there, and agree. */
  async login({ daemon }: Pick<McpControl<{ readonly baseUrl: string }>, "daemon">, ...flags: string[]) {
    const machine = new FakeMachine({ clock: PATIENT });
    const visited: Promise<unknown>[] = [];
    const visit = async (url: string) => fetch(await new Person().browse(url));
    Object.assign(machine.context.host, { openUrl: (url: string) => visited.push(visit(url)) });
    const login = ["mcp", "oauth", "login", "tracker", "--url", this.resource, "--allow-http-for-loopback"];
    const done = await machine.run("--base-url", daemon.baseUrl, "--output", "json", ...login, ...flags);
    await Promise.all(visited);
    if (done.code !== 0) throw new Error(done.stderr);
    return JSON.parse(done.stdout) as { details: { scopes: string[]; client_id: string } };
  }

  /** Puts an account into the slot, as somebody does it who has tokens from elsewhere. */
  async give(
    control: McpControl<{ readonly baseUrl: string }>,
    { access_token, refresh_token }: { access_token: string; refresh_token?: string },
    more: object = {},
  ): Promise<void> {
    const { issuer, tokenEndpoint } = this.authorization;
    const account = {
      slot_id: SLOT,
      server_name: "tracker",
      resource: this.resource,
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: tokenEndpoint,
      client_id: "test-client",
      scopes: ["tools:read", "tools:write"],
      access_token,
      ...(refresh_token === undefined ? {} : { refresh_token }),
      ...more,
    };
    const { status, body } = await control.call("POST", "/v1/runtime/auth/accounts/mcp-oauth", account);
    if (status !== 200) throw new Error(JSON.stringify(body));
  }
}

/** Patience ends with what is waited for. */
const PATIENT: CliClock = {
  now: () => Date.now(),
  sleep: (_ms, signal) =>
    new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true })),
};
