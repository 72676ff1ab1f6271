import {
  type AddMcpServerRequest,
  type Json,
  type JsonObject,
  type McpReloadResult,
  type McpRuntimeSnapshot,
  type McpToolCallResult,
  problem,
  type RemovedMcpServer,
} from "@kheish/contract";
import type { AdminChange } from "../../engine/index.ts";
import type { AuditLedger } from "../../governance/audit/index.ts";
import type { Blobs } from "../../kernel/blobs.ts";
import type { Clock } from "../../kernel/clock.ts";
import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import type { Log } from "../../kernel/log.ts";
import type { AppendOp, Store } from "../../kernel/store.ts";
import { type McpServers, type ServerSpec, ToolClash, UpstreamFailure } from "../../tools/mcp/index.ts";
import { RUNTIME_STREAM } from "../events/index.ts";
import { McpConfigError } from "./config-error.ts";
import type { LoadedMcp } from "./loader.ts";
import { type Overlay, overlayOps, readOverlay } from "./overlay.ts";

export interface McpServiceDeps {
  store: Store;
  clock: Clock;
  blobs: Blobs;
  log: Log;
  audit: Pick<AuditLedger, "commitAdmin">;
  servers: McpServers;
  /** Reads files and catalog. Rejects with `McpConfigError`. */
  load: () => Promise<LoadedMcp>;
}

const LOCK = "mcp";

/** What the ledger is told of a change: names only, as an entry may hold what is secret. */
function adminChange(principal: string, name: string, change: JsonObject, reason?: string): AdminChange {
  return { principal, target: `mcp/servers/${name}`, change, ...reasonOf(reason) };
}

/**
 * The MCP servers of a running daemon: those of its files and profiles, and those that were added at run time.
 *
 * The latter stand in the store and are the same on every daemon that shares it, each of which has a connection of its
 * own. Changes are made one after the other (03-R67).
 */
export class McpService {
  readonly #deps: McpServiceDeps;
  readonly #mutex = new KeyedMutex();
  #loaded: LoadedMcp = { profiles: [], specs: [], skipped: [] };
  #overlay: Overlay = { revision: 0, servers: {} };

  constructor(deps: McpServiceDeps) {
    this.#deps = deps;
  }

  /** Connects to everything once; rejects with `McpConfigError` when the daemon should not start (03-R57, 03-R58). */
  async start(): Promise<void> {
    const { servers, store } = this.#deps;
    const loaded = await this.#deps.load();
    this.#take(loaded);
    const overlay = await readOverlay(store);
    if (overlay.corrupt !== undefined)
      this.#deps.log.error(
        { revision: overlay.revision },
        "the added MCP servers cannot be read and count as none",
      );
    this.#overlay = overlay;
    const configured = await servers.start(loaded.specs);
    for (const { spec, view } of configured.map((server) => ({ spec: server.spec, view: server.view() }))) {
      if (view.health.state === "stopped")
        throw new McpConfigError(`MCP server '${spec.name}': ${view.error ?? "it cannot be used"}`);
      const isLazy = view.health.state === "waiting_for_authorization";
      if (spec.entry.required && !view.connected && !isLazy)
        throw new McpConfigError(
          `MCP server '${spec.name}' is required and not there: ${view.error ?? "no answer"}`,
        );
      if (view.error !== undefined)
        this.#deps.log.warn({ server: spec.name, err: view.error }, "an MCP server is not there");
    }
    await servers.start(this.#added(overlay));
  }

  /** Takes over what another daemon added or removed. */
  refresh(): Promise<void> {
    return this.#mutex.run(LOCK, async () => {
      const { servers, store } = this.#deps;
      const overlay = await readOverlay(store);
      if (overlay.revision === this.#overlay.revision) return;
      const before = this.#overlay.servers;
      this.#overlay = overlay;
      for (const name of Object.keys(before)) if (!(name in overlay.servers)) await servers.remove(name);
      await servers.start(this.#added(overlay).filter(({ name }) => servers.get(name) === undefined));
    });
  }

  snapshot(): McpRuntimeSnapshot {
    const { configPath, profiles } = this.#loaded;
    return {
      ...(configPath === undefined ? {} : { config_path: configPath }),
      selected_profiles: [...profiles],
      ...this.#deps.servers.snapshot(),
    };
  }

  /** 03-R67: it answers and is kept, or nothing has happened. */
  add(request: AddMcpServerRequest, actor: string): Promise<McpRuntimeSnapshot> {
    const { name, reason } = request;
    const entry = request.config ?? request.server;
    if (entry === undefined) throw new Error("the schema lets no request without an entry through");
    if ((entry.command ?? entry.url) === undefined)
      throw invalid("give the server a 'command' or a 'url'", "/config");
    if (!entry.enabled) throw invalid("a server that is not enabled is not added", "/config/enabled");
    return this.#mutex.run(LOCK, async () => {
      const { servers, clock } = this.#deps;
      if (servers.get(name) !== undefined) throw exists(name);
      const spec: ServerSpec = { name, entry, source: "runtime_api", profiles: [] };
      await this.#connect(spec);
      try {
        const change = adminChange(actor, name, { added: name }, reason);
        await this.#change(
          "mcp_server_added",
          { server: name, actor, ...reasonOf(reason) },
          change,
          (overlay) => {
            if (name in overlay.servers) throw exists(name);
            return { ...overlay.servers, [name]: { entry, added_at_ms: clock.now(), added_by: actor } };
          },
        );
      } catch (error) {
        await servers.remove(name);
        throw error;
      }
      return this.snapshot();
    });
  }

  remove(name: string, actor: string): Promise<RemovedMcpServer> {
    return this.#mutex.run(LOCK, async () => {
      const { servers } = this.#deps;
      const change: AdminChange = { ...adminChange(actor, name, { removed: name }), withdraws: true };
      await this.#change("mcp_server_removed", { server: name, actor }, change, ({ servers: added }) => {
        const { [name]: gone, ...rest } = added;
        if (gone !== undefined) return rest;
        throw servers.get(name) === undefined
          ? problem("runtime", "mcp_server_not_found", `there is no MCP server '${name}'`)
          : problem(
              "runtime",
              "mcp_server_not_removable",
              `MCP server '${name}' was not added at run time: take it out of its file or leave out its profile, then reload`,
            );
      });
      return { name, retired_tools: (await servers.remove(name)) ?? [] };
    });
  }

  /** Reads files and catalog again. A mistake in them changes nothing. */
  reload(actor: string): Promise<McpReloadResult> {
    return this.#mutex.run(LOCK, async () => {
      const { servers } = this.#deps;
      const next = await this.#deps.load().catch((error: unknown) => {
        if (error instanceof McpConfigError) throw problem("runtime", "mcp_config_invalid", error.message);
        throw error;
      });
      const clash = next.specs.find(({ name }) => name in this.#overlay.servers);
      if (clash !== undefined)
        throw problem(
          "runtime",
          "mcp_server_exists",
          `'${clash.name}' is configured now, and an MCP server of that name was added at run time: remove that first`,
        );
      const diff = diffOf(this.#loaded.specs, next.specs);
      await this.#deps.audit.commitAdmin([this.#event("mcp_reloaded", { ...diff, actor })], {
        principal: actor,
        target: "mcp/servers",
        change: { ...diff },
      });
      this.#take(next);
      for (const name of [...diff.removed, ...diff.changed]) await servers.remove(name);
      const fresh = new Set([...diff.added, ...diff.changed]);
      await servers.start(next.specs.filter(({ name }) => fresh.has(name)));
      await servers.retry();
      return { ...diff, mcp: this.snapshot() };
    });
  }

  async call(tool: string, input: JsonObject, key: string, signal: AbortSignal): Promise<McpToolCallResult> {
    const { servers, blobs } = this.#deps;
    if (servers.tool(tool) === undefined)
      throw problem("runtime", "mcp_tool_not_found", `there is no MCP tool '${tool}' now`);
    try {
      return { tool_name: tool, output: await servers.callAsOperator(tool, input, { blobs, signal, key }) };
    } catch (error) {
      if (error instanceof UpstreamFailure) throw problem("runtime", "mcp_server_unreachable", error.message);
      throw error;
    }
  }

  /** What needs a slot, in words for people. */
  usersOf(slotId: string): string[] {
    const { servers } = this.#deps.servers.snapshot();
    return servers
      .filter(({ credential_secret_refs }) => credential_secret_refs.includes(slotId))
      .map(({ server }) => `MCP server '${server}'`);
  }

  stop(): Promise<void> {
    return this.#deps.servers.stop();
  }

  async #connect(spec: ServerSpec): Promise<void> {
    try {
      await this.#deps.servers.add(spec);
    } catch (error) {
      if (error instanceof ToolClash)
        throw problem("runtime", "mcp_tool_conflict", `MCP server '${spec.name}': ${error.message}`);
      if (!(error instanceof UpstreamFailure)) throw error;
      throw problem("runtime", "mcp_server_unreachable", `MCP server '${spec.name}': ${error.message}`);
    }
  }

  /** One change of the overlay: read, changed, written under its revision; again when another daemon was quicker. */
  async #change(
    type: string,
    data: JsonObject,
    change: AdminChange,
    next: (overlay: Overlay) => Overlay["servers"],
  ): Promise<void> {
    const { store, audit } = this.#deps;
    for (;;) {
      const overlay = await readOverlay(store);
      const servers = next(overlay);
      const ops = [...overlayOps(overlay, servers), this.#event(type, data)];
      const result = await audit.commitAdmin(ops, change);
      if (!result.ok) continue;
      this.#overlay = { revision: overlay.revision + 1, servers };
      return;
    }
  }

  /** A server of a file wins over one of the same name that was added before. */
  #added({ servers }: Overlay): ServerSpec[] {
    const configured = new Set(this.#loaded.specs.map(({ name }) => name));
    return Object.entries(servers).flatMap(([name, { entry }]): ServerSpec[] => {
      if (!configured.has(name)) return [{ name, entry, source: "runtime_api", profiles: [] }];
      this.#deps.log.error(
        { server: name },
        "an added MCP server is configured as well: the configured one is used",
      );
      return [];
    });
  }

  #take(loaded: LoadedMcp): void {
    this.#loaded = loaded;
    for (const why of loaded.skipped) this.#deps.log.warn({ why }, "an MCP entry is left out");
  }

  #event(type: string, data: { [key: string]: Json }): AppendOp {
    return { op: "append", stream: RUNTIME_STREAM, events: [{ type, atMs: this.#deps.clock.now(), data }] };
  }
}

function diffOf(before: readonly ServerSpec[], after: readonly ServerSpec[]) {
  const texts = (specs: readonly ServerSpec[]) =>
    new Map(specs.map((spec) => [spec.name, JSON.stringify(spec)]));
  const [old, now] = [texts(before), texts(after)];
  return {
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    changed: [...now].filter(([name, text]) => old.has(name) && old.get(name) !== text).map(([name]) => name),
  };
}

function reasonOf(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

function exists(name: string) {
  return problem("runtime", "mcp_server_exists", `there is an MCP server '${name}' already`);
}

function invalid(message: string, path: string) {
  return problem("runtime", "mcp_config_invalid", message, { errors: [{ path, message }] });
}
