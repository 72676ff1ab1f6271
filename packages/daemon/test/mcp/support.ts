import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Json, JsonObject, McpRuntimeSnapshot, McpServerView, RunView } from "@kheish/contract";
import { afterEach } from "vitest";
import { kheish } from "../../src/surface/cli/testing/run-cli.ts";
import { type Answer, ask } from "../support/ask.ts";
import { ServedDaemon, type ServedOptions } from "../support/served.ts";

const MASTER_KEY = Buffer.alloc(32, 7).toString("base64");

/** The program of a server from npm. */
export function serverProgram(name: "everything" | "filesystem" | "memory"): string {
  return createRequire(import.meta.url).resolve(`@modelcontextprotocol/server-${name}/dist/index.js`);
}

/** The table of a server that runs on this Node. */
export function nodeServer(name: "everything" | "filesystem" | "memory", ...args: string[]): JsonObject {
  return { command: process.execPath, args: [serverProgram(name), ...args] };
}

/** A served daemon, its MCP servers and its runs, as a client sees them. */
export class McpControl<D extends { readonly baseUrl: string } = ServedDaemon> {
  readonly daemon: D;

  constructor(daemon: D) {
    this.daemon = daemon;
  }

  call<T = JsonObject>(method: string, path: string, body?: object): Promise<Answer<T>> {
    return ask<T>(this.daemon, method, path, body);
  }

  async mcp(): Promise<McpRuntimeSnapshot> {
    return (await this.call<McpRuntimeSnapshot>("GET", "/v1/runtime/mcp")).body;
  }

  async server(name: string): Promise<McpServerView> {
    const found = (await this.mcp()).servers.find((one) => one.server === name);
    if (found === undefined) throw new Error(`there is no server '${name}'`);
    return found;
  }

  /** The server once it is as the test wants it. */
  serverIs(name: string, wanted: (server: McpServerView) => boolean): Promise<McpServerView> {
    return eventually(async () => {
      const server = (await this.mcp()).servers.find((one) => one.server === name);
      return server !== undefined && wanted(server) ? server : undefined;
    });
  }

  add(name: string, config: JsonObject) {
    return this.call("POST", "/v1/runtime/mcp/servers", { name, config });
  }

  remove(name: string) {
    return this.call("DELETE", `/v1/runtime/mcp/servers/${name}`);
  }

  operatorCall(tool: string, input: JsonObject = {}) {
    return this.call("POST", `/v1/runtime/mcp/tools/${tool}/call`, { input });
  }

  async session(id = "s", more: object = {}): Promise<string> {
    const { status, body } = await this.call("POST", "/v1/sessions", { session_id: id, ...more });
    if (status >= 300) throw new Error(`no session: ${JSON.stringify(body)}`);
    return id;
  }

  /** Submits a script of the simulator. */
  async play(session: string, turns: readonly object[]): Promise<string> {
    const content = JSON.stringify({ simulate: turns });
    const { status, body } = await this.call<RunView>("POST", `/v1/sessions/${session}/runs`, { content });
    if (status >= 300) throw new Error(`no run: ${JSON.stringify(body)}`);
    return body.run_id;
  }

  /** One call of one tool. */
  callOf(name: string, input: Json = {}): object {
    return { tool_calls: [{ name, input }] };
  }

  run(runId: string): Promise<RunView> {
    return this.call<RunView>("GET", `/v1/runs/${runId}`).then(({ body }) => body);
  }

  reaches(runId: string, ...statuses: RunView["status"][]): Promise<RunView> {
    return eventually(async () => {
      const run = await this.run(runId);
      return statuses.includes(run.status) ? run : undefined;
    });
  }

  ends(runId: string): Promise<RunView> {
    return this.reaches(runId, "completed", "failed", "interrupted", "cancelled");
  }

  /** What the last call of a run answered, as its model was told. The script has to end with `SAY`. */
  async result(runId: string): Promise<JsonObject> {
    const run = await this.ends(runId);
    const [output] = run.outputs ?? [];
    if (run.status !== "completed" || output === undefined)
      throw new Error(`no answer: ${JSON.stringify(run)}`);
    return JSON.parse(output.content) as JsonObject;
  }

  /** One run with one call, and what it answered. */
  async called(session: string, name: string, input: Json = {}): Promise<JsonObject> {
    return this.result(await this.play(session, [this.callOf(name, input), SAY]));
  }

  async answers(runId: string, answers: object[], more: object = {}) {
    const run = await this.reaches(runId, "waiting_for_user_question");
    const request_id = run.pending_question_ids?.[0];
    return this.call("POST", `/v1/runs/${runId}/questions`, { resolution: { request_id, answers, ...more } });
  }

  cli(...argv: string[]) {
    return kheish(["--base-url", this.daemon.baseUrl, ...argv]);
  }
}

/** The last turn of a script: tells what the last call answered. */
export const SAY = { text: "{{last_tool_output}}" };

/** Polls without a clock: every turn of the event loop asks again. */
export async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface McpServedOptions extends Partial<ServedOptions> {
  /** The text of an MCP configuration. */
  config?: string;
  profiles?: string[];
}

/** Starts daemons that are gone after each test; `configFile` is where their configuration stands. */
export function useMcp(): (options?: McpServedOptions) => Promise<McpControl & { configFile: string }> {
  const undo: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });
  return async ({ config, profiles = [], ...options } = {}) => {
    const directory = await mkdtemp(join(tmpdir(), "kheish-mcp-"));
    undo.push(() => rm(directory, { recursive: true, force: true }));
    const configFile = join(directory, "mcp.toml");
    if (config !== undefined) await writeFile(configFile, config);
    const daemon = await ServedDaemon.start({
      store: "sqlite",
      // What asks is tested where it is the point; here tools run.
      permissionMode: "bypassPermissions",
      mcp: { discovery: "auto", profiles, ...(config === undefined ? {} : { configFile }) },
      ...options,
      env: { KHEISH_AUTH_STORE_MASTER_KEY: MASTER_KEY, ...options.env },
    });
    undo.push(() => daemon.remove());
    return Object.assign(new McpControl(daemon), { configFile });
  };
}

/** A server of a configuration file. */
export function tomlServer(name: string, table: JsonObject): string {
  return `[mcp_servers.${JSON.stringify(name)}]\n${Object.entries(table)
    .map(([key, value]) => `${key} = ${inToml(value)}`)
    .join("\n")}\n`;
}

function inToml(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(inToml).join(", ")}]`;
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${JSON.stringify(key)} = ${inToml(one)}`)
    .join(", ")} }`;
}
