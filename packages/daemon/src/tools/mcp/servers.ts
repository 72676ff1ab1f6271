import type { JsonObject, McpRuntimeSnapshot } from "@kheish/contract";
import type { Tool, ToolPort } from "../../engine/ports.ts";
import type { Blobs } from "../../kernel/blobs.ts";
import { UpstreamFailure } from "./connection-port.ts";
import type { Acting } from "./credential-port.ts";
import { HeldCalls } from "./held-calls.ts";
import { helperTools } from "./helper-tools.ts";
import { toolIn } from "./names.ts";
import { toolOutput } from "./result.ts";
import { searchTools } from "./search-tools.ts";
import { McpServer, type ServerDeps } from "./server.ts";
import { type ServerSpec, slotsOf } from "./spec.ts";
import { standIn } from "./stand-in.ts";

export type ServersDeps = Omit<ServerDeps, "held" | "onTools">;

/**
 * Every MCP server of the daemon, and their tools beside the daemon's own (03-R57 to 03-R68). Servers come and go
 * while it runs; a tool that is gone is gone from the next turn on, also for runs that are under way.
 */
export class McpServers {
  readonly #deps: ServerDeps;
  readonly #servers = new Map<string, McpServer>();
  readonly #helpers: readonly Tool[];
  #tools = new Map<string, Tool>();
  /** What is shown of them, while nothing changes. */
  #list: readonly Tool[] | undefined;
  /** Names that nobody but the daemon may have. */
  #reserved: (name: string) => boolean = () => false;

  constructor(deps: ServersDeps) {
    const onTools = (server: McpServer) => this.#onTools(server);
    this.#deps = { ...deps, held: new HeldCalls(deps.clock), onTools };
    this.#helpers = [...helperTools(this), searchTools(() => this.#tools.values())];
    deps.credentials.onChange((slotId, change) => {
      for (const server of this.#servers.values())
        if (slotsOf(server.spec).includes(slotId)) void server.credentialChanged(slotId, change === "usable");
    });
  }

  /** The daemon's own tools with those of the servers, as they are at the moment of asking. */
  beside(own: ToolPort): ToolPort {
    this.#reserved = (name) => own.get(name) !== undefined;
    let known: { tools: unknown; all: readonly Tool[] } | undefined;
    return {
      all: () => {
        const tools = this.#shown();
        if (known?.tools !== tools) {
          const all = [...own.all(), ...tools].sort((a, b) => (a.name < b.name ? -1 : 1));
          known = { tools, all };
        }
        return known.all;
      },
      get: (name) => own.get(name) ?? this.#tools.get(name) ?? this.#helper(name) ?? this.#standIn(name),
    };
  }

  get all(): readonly McpServer[] {
    return [...this.#servers.values()];
  }

  get(name: string): McpServer | undefined {
    return this.#servers.get(name);
  }

  tool(name: string): Tool | undefined {
    return this.#tools.get(name);
  }

  /** Starts servers together; each has had its first attempt when this resolves, whatever came of it. */
  async start(specs: readonly ServerSpec[]): Promise<readonly McpServer[]> {
    const servers = specs.map((spec) => this.#admit(spec));
    await Promise.all(servers.map((server) => server.start()));
    return servers;
  }

  /** An operator's call of a loaded tool; whoever asks for input meanwhile is told that nobody answers. */
  async callAsOperator(
    name: string,
    input: JsonObject,
    { blobs, signal, key }: { blobs: Blobs; signal: AbortSignal; key: string },
  ): Promise<JsonObject> {
    const { mcp } = this.#tools.get(name) ?? {};
    if (mcp === undefined) throw new UpstreamFailure(`there is no MCP tool '${name}'`);
    const server = await this.usable(mcp.server, "operator", signal);
    const end = await server.call(
      {
        tool: mcp.tool,
        input,
        idempotencyKey: key,
        runId: key,
        onAsked: () => Promise.resolve({ action: "cancel" }),
      },
      signal,
    );
    if (end.kind === "result") return toolOutput(end.result, blobs);
    throw new UpstreamFailure(
      end.kind === "input_required" ? "the tool asks for input, which only a run can give" : end.message,
    );
  }

  /** 03-R67: connected and initialised, or not there at all. Rejects with `UpstreamFailure`. */
  async add(spec: ServerSpec): Promise<void> {
    const server = this.#admit(spec);
    try {
      await server.startOrFail();
    } catch (error) {
      await this.remove(spec.name);
      throw error;
    }
  }

  /** The names of its tools; undefined when there is no such server. */
  async remove(name: string): Promise<string[] | undefined> {
    const server = this.#servers.get(name);
    if (server === undefined) return undefined;
    const retired = server.tools.map((tool) => tool.name);
    await server.stop();
    this.#servers.delete(name);
    this.#changed();
    return retired;
  }

  /** Whoever waits for its next attempt gets it now. */
  async retry(): Promise<void> {
    const idle = this.all.filter((server) => !server.isConnected && !server.isAwaitingAuthorization);
    await Promise.all(idle.map((server) => server.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((server) => server.stop()));
  }

  snapshot(): Pick<McpRuntimeSnapshot, "servers" | "tool_names"> {
    return {
      servers: this.all.map((server) => server.view()),
      tool_names: this.#shown().map(({ name }) => name),
    };
  }

  /** A server that `acting` may use, connected. Rejects with `UpstreamFailure`, which says why not. */
  async usable(name: string, acting: Acting, signal: AbortSignal): Promise<McpServer> {
    const server = this.#servers.get(name);
    if (server === undefined) throw new UpstreamFailure(`there is no MCP server '${name}'`);
    const refusal = await server.ready(acting, signal);
    if (refusal !== undefined) throw new UpstreamFailure(refusal);
    return server;
  }

  #admit(spec: ServerSpec): McpServer {
    if (this.#servers.has(spec.name))
      throw new UpstreamFailure(`there is an MCP server '${spec.name}' already`);
    const server = new McpServer(this.#deps, spec);
    this.#servers.set(spec.name, server);
    return server;
  }

  /** The helpers first, whenever there is anybody to help with. */
  #shown(): readonly Tool[] {
    this.#list ??= this.#hasHelpers()
      ? [...this.#helpers, ...this.#tools.values()]
      : [...this.#tools.values()];
    return this.#list;
  }

  #helper(name: string): Tool | undefined {
    return this.#hasHelpers() ? this.#helpers.find((tool) => tool.name === name) : undefined;
  }

  #standIn(name: string): Tool | undefined {
    for (const server of this.#servers.values()) {
      const tool = server.isAwaitingAuthorization ? toolIn(server.name, name) : undefined;
      if (tool !== undefined) return standIn(server, name, tool, () => this.#tools.get(name));
    }
    return undefined;
  }

  #hasHelpers(): boolean {
    return this.all.some(
      (server) => server.isConnected || server.isAwaitingAuthorization || server.tools.length > 0,
    );
  }

  #changed(): void {
    this.#list = undefined;
  }

  /** 03-R58, 03-R67: one name, one tool. */
  #onTools(server: McpServer): string | undefined {
    const tools = new Map<string, Tool>();
    const others = this.all.filter((one) => one !== server);
    for (const tool of others.flatMap((one) => one.tools)) tools.set(tool.name, tool);
    for (const tool of server.tools) {
      const taken = tools.get(tool.name)?.mcp?.server;
      if (taken !== undefined || this.#reserved(tool.name))
        return `its tool '${tool.mcp?.tool}' would be called '${tool.name}', as one of ${taken === undefined ? "the daemon" : `'${taken}'`} is`;
      tools.set(tool.name, tool);
    }
    this.#tools = tools;
    this.#changed();
    return undefined;
  }
}
