import type { IsolationName, McpServerView } from "@kheish/contract";
import type { Tool } from "../../engine/ports.ts";
import { recorded, toolTarget } from "./actions.ts";
import {
  type CallEnd,
  type Connection,
  type ListKind,
  type UpstreamCall,
  UpstreamFailure,
} from "./connection-port.ts";
import type { Acting, McpCredentialPort } from "./credential-port.ts";
import type { HeldCalls } from "./held-calls.ts";
import type { ToolServer } from "./mcp-tool.ts";
import { offeredTools } from "./offered-tools.ts";
import type { ServerHealth } from "./server-health.ts";
import { type LinkDeps, ServerLink } from "./server-link.ts";
import { serverView } from "./server-view.ts";
import { type ServerSpec, slotsOf, usesCredentials } from "./spec.ts";

export interface ServerDeps extends LinkDeps {
  credentials: McpCredentialPort;
  held: HeldCalls;
  /** What keeps the processes of servers apart from the machine. */
  isolation?: IsolationName;
  /** The tools are others than before. Answers why they cannot stand beside those of other servers. */
  onTools: (server: McpServer) => string | undefined;
}

/** One configured server: who may use it, and what it is asked to do. */
export class McpServer implements ToolServer {
  readonly spec: ServerSpec;
  readonly #deps: ServerDeps;
  readonly #link: ServerLink;

  constructor(deps: ServerDeps, spec: ServerSpec) {
    this.#deps = deps;
    this.spec = spec;
    this.#link = new ServerLink(deps, spec, {
      offered: (listed) => offeredTools(this, spec.entry, listed, deps.held),
      onTools: () => deps.onTools(this),
    });
  }

  get name(): string {
    return this.spec.name;
  }

  get isolation(): IsolationName | undefined {
    return this.spec.entry.url === undefined ? this.#deps.isolation : undefined;
  }

  get toolTimeoutMs(): number {
    return this.spec.entry.tool_timeout_sec * 1_000;
  }

  get tools(): readonly Tool[] {
    return this.#link.tools;
  }

  get isConnected(): boolean {
    return this.#link.connection !== undefined;
  }

  get isAwaitingAuthorization(): boolean {
    return this.#link.isAwaitingAuthorization;
  }

  view(): McpServerView {
    return serverView(this.spec, this.isConnected, this.tools, this.#health);
  }

  /** The first attempt. Never rejects: what went wrong is in the view, and is tried again later. */
  start(): Promise<void> {
    return this.#link.start();
  }

  /** The one attempt of a hot add. Rejects with what went wrong, in words. */
  startOrFail(): Promise<void> {
    return this.#link.startOrFail();
  }

  /** For good; `why` is what its view says from then on. */
  stop(why?: string): Promise<void> {
    return this.#link.stop(why);
  }

  /** 03-R61: its secret is another one now, or may not be used any more. */
  credentialChanged(slotId: string, isUsable: boolean): Promise<void> {
    return this.#link.credentialChanged(slotId, isUsable);
  }

  async ready(acting: Acting, signal: AbortSignal): Promise<string | undefined> {
    if (usesCredentials(this.spec)) {
      const { oauth_scopes } = this.spec.entry;
      const { credentials } = this.#deps;
      const refusal = await credentials.refusal(this.name, slotsOf(this.spec), oauth_scopes, acting);
      if (refusal !== undefined) return refusal;
    }
    try {
      await this.#link.ensure(signal);
      return undefined;
    } catch (error) {
      return `MCP server '${this.name}' cannot be used now: ${this.#link.words(error)}`;
    }
  }

  async call(call: UpstreamCall, signal: AbortSignal): Promise<CallEnd> {
    const work = () => this.#callOnce(call, signal);
    const { tool, input } = call;
    const end = await (call.sessionId === undefined
      ? recorded(this.#deps.record, toolTarget(this.name, tool), { tool, input }, work, failureOf)
      : work());
    return "message" in end ? { ...end, message: this.#deps.redact(end.message) } : end;
  }

  list(what: ListKind, cursor: string | undefined, signal: AbortSignal) {
    return this.#ask(`list_${what}`, { cursor: cursor ?? null }, (connection) =>
      connection.list(what, cursor, signal),
    );
  }

  read(uri: string, signal: AbortSignal) {
    return this.#ask("read_resource", { uri }, (connection) => connection.read(uri, signal));
  }

  prompts(cursor: string | undefined, signal: AbortSignal) {
    return this.#ask("list_prompts", { cursor: cursor ?? null }, (connection) =>
      connection.prompts(cursor, signal),
    );
  }

  prompt(name: string, args: Record<string, string>, signal: AbortSignal) {
    return this.#ask("get_prompt", { name, args }, (connection) => connection.prompt(name, args, signal));
  }

  /** A call to a server that forgot us, as one that was restarted does, never began: it is made once more. */
  async #callOnce(call: UpstreamCall, signal: AbortSignal): Promise<CallEnd> {
    for (let attempt = 0; ; attempt++) {
      const connection = this.#link.connection;
      try {
        if (connection === undefined) throw new UpstreamFailure("it is not connected", true);
        const end = await connection.call(call, signal);
        if (end.kind === "lost") this.#link.failed(end.message, connection);
        else if (end.kind === "refused") this.#health.refused(end.message);
        else this.#health.succeeded();
        return end;
      } catch (error) {
        const message = this.#link.words(error);
        const isFatal = error instanceof UpstreamFailure && error.isFatal;
        this.#link.failed(message, isFatal ? connection : undefined);
        if (attempt > 0 || signal.aborted || !isFatal)
          return { kind: "refused", message: `MCP server '${this.name}': ${message}` };
        const refusal = await this.#link.ensure(signal).then(
          () => undefined,
          (failure: unknown) => this.#link.words(failure),
        );
        if (refusal !== undefined)
          return { kind: "refused", message: `MCP server '${this.name}' cannot be used now: ${refusal}` };
      }
    }
  }

  async #ask<T>(what: string, request: unknown, work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.#link.connection;
    if (connection === undefined) throw new UpstreamFailure("it is not connected");
    try {
      const target = `mcp:${what}:${this.name}`;
      const value = await recorded(this.#deps.record, target, request, () => work(connection));
      this.#health.succeeded();
      return value;
    } catch (error) {
      const isFatal = error instanceof UpstreamFailure && error.isFatal;
      this.#link.failed(this.#link.words(error), isFatal ? connection : undefined);
      throw new UpstreamFailure(this.#link.words(error), isFatal);
    }
  }

  get #health(): ServerHealth {
    return this.#link.health;
  }
}

function failureOf({ kind }: CallEnd): string | undefined {
  if (kind === "refused") return "failed:status";
  return kind === "lost" ? "failed:transport" : undefined;
}
