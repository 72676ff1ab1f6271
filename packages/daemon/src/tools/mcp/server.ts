import type { IsolationName, McpServerHealth, McpServerView } from "@kheish/contract";
import type { Tool } from "../../engine/ports.ts";
import { type Clock, sleep, type Timer } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import { type ActionSink, recorded, toolTarget } from "./actions.ts";
import {
  type CallEnd,
  type Connection,
  type ListKind,
  ToolClash,
  type UpstreamCall,
  UpstreamFailure,
  type UpstreamTool,
} from "./connection-port.ts";
import type { Acting, McpCredentialPort } from "./credential-port.ts";
import { untrusted } from "./descriptions.ts";
import type { HeldCalls } from "./held-calls.ts";
import { MCP_LIMITS } from "./json-limits.ts";
import { mcpTool, type ToolServer } from "./mcp-tool.ts";
import { isOffered, type ServerSpec, slotsOf, transportOf, usesCredentials } from "./spec.ts";

export interface ServerDeps {
  clock: Clock;
  random: Random;
  log: Log;
  credentials: McpCredentialPort;
  held: HeldCalls;
  /** Opens and initialises a connection; calls back when the server's tools have changed. */
  connect: (spec: ServerSpec, signal: AbortSignal, onToolsChanged: () => void) => Promise<Connection>;
  redact: (text: string) => string;
  record: ActionSink;
  /** What keeps the processes of servers apart from the machine. */
  isolation?: IsolationName;
  /** The tools are others than before. Answers why they cannot stand beside those of other servers. */
  onTools: (server: McpServer) => string | undefined;
}

/** 03-R62. */
const NEEDS_SESSION = "oauth_requires_scoped_runtime_initialization";
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;
/** Who needs the server now tries at once, but not more often than this. */
const LEAST_DELAY_MS = 500;
/** How long a call waits for a server that has just gone away. */
const RETURN_MS = 5_000;

/**
 * One configured server: connected, connected to again when it went away, and asked to do things.
 *
 * Its tools stay while it is away for a moment, so that a call finds it back or learns why not. They go when it was
 * stopped, or when its credential changed.
 */
export class McpServer implements ToolServer {
  readonly spec: ServerSpec;
  readonly #deps: ServerDeps;
  #connection: Connection | undefined;
  #connecting: Promise<void> | undefined;
  #tools: readonly Tool[] = [];
  #error: string | undefined;
  #instructions: string | undefined;
  #health: McpServerHealth;
  #retry: Timer | undefined;
  /** When its connection was last lost. */
  #wentAwayAt = Number.NEGATIVE_INFINITY;
  /** When it was last connected to in vain. */
  #failedAttemptAt = Number.NEGATIVE_INFINITY;
  #isStopped = false;
  readonly #stop = new AbortController();
  /** How often the server has said that its tools are others now. */
  #toolChanges = 0;
  /** Ends the attempt that is under way, with why. */
  #attempting: AbortController | undefined;

  constructor(deps: ServerDeps, spec: ServerSpec) {
    this.#deps = deps;
    this.spec = spec;
    const isLazy = spec.entry.oauth_slot_ref !== undefined;
    this.#health = { state: isLazy ? "waiting_for_authorization" : "connecting", failed_attempts: 0 };
    if (isLazy) this.#error = NEEDS_SESSION;
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
    return this.#tools;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  get isAwaitingAuthorization(): boolean {
    return this.#health.state === "waiting_for_authorization";
  }

  view(): McpServerView {
    const { spec } = this;
    return {
      server: spec.name,
      source: spec.source,
      profiles: [...spec.profiles],
      ...(spec.catalogEntryId === undefined ? {} : { catalog_entry_id: spec.catalogEntryId }),
      transport: transportOf(spec),
      required: spec.entry.required,
      uses_credentials: usesCredentials(spec),
      credential_secret_refs: slotsOf(spec),
      connected: this.isConnected,
      tools: this.#tools.map(({ name }) => name),
      ...(this.#error === undefined ? {} : { error: this.#error }),
      ...(this.#instructions === undefined ? {} : { instructions: this.#instructions }),
      health: this.#health,
    };
  }

  /** The first attempt. Never rejects: what went wrong is in the view, and is tried again later. */
  async start(): Promise<void> {
    if (this.isAwaitingAuthorization) return;
    await this.#attempt().catch(() => undefined);
  }

  /** The one attempt of a hot add. Rejects with what went wrong, in words. */
  async startOrFail(): Promise<void> {
    if (!this.isAwaitingAuthorization) await this.#attempt();
  }

  async stop(why?: string): Promise<void> {
    this.#isStopped = true;
    this.#stop.abort();
    this.#attempting?.abort();
    this.#retry?.cancel();
    await this.#disconnect("stopped", why);
    this.#tools = [];
    this.#deps.onTools(this);
  }

  /** 03-R61: its secret is another one now, or may not be used any more. */
  async credentialChanged(slotId: string, isUsable: boolean): Promise<void> {
    if (this.#isStopped) return;
    if (isUsable && slotId === this.spec.entry.oauth_slot_ref) {
      // A token that was refreshed is the same account's: the next request takes it, also one that has just failed.
      this.#failedAttemptAt = Number.NEGATIVE_INFINITY;
      return;
    }
    const changed = new CredentialChanged(`the credential '${slotId}' has changed`);
    this.#retry?.cancel();
    this.#attempting?.abort(changed);
    this.#tools = [];
    this.#deps.onTools(this);
    await this.#disconnect("waiting_to_reconnect", changed.message);
    await this.#connecting?.catch(() => undefined);
    if (this.spec.entry.oauth_slot_ref !== undefined) {
      this.#health = { ...this.#health, state: "waiting_for_authorization" };
    } else if (isUsable) {
      void this.start();
    }
  }

  async ready(acting: Acting, signal: AbortSignal): Promise<string | undefined> {
    if (usesCredentials(this.spec)) {
      const { oauth_scopes } = this.spec.entry;
      const { credentials } = this.#deps;
      const refusal = await credentials.refusal(this.name, slotsOf(this.spec), oauth_scopes, acting);
      if (refusal !== undefined) return refusal;
    }
    try {
      await this.#ensure(signal);
      return undefined;
    } catch (error) {
      return `MCP server '${this.name}' cannot be used now: ${this.#words(error)}`;
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
      const connection = this.#connection;
      try {
        if (connection === undefined) throw new UpstreamFailure("it is not connected", true);
        const end = await connection.call(call, signal);
        if (end.kind === "lost") this.#failed(end.message, connection);
        else if (end.kind === "refused") this.#marked(end.message);
        else this.#succeeded();
        return end;
      } catch (error) {
        const message = this.#words(error);
        this.#failed(message, error instanceof UpstreamFailure && error.isFatal ? connection : undefined);
        if (attempt > 0 || signal.aborted || !(error instanceof UpstreamFailure && error.isFatal))
          return { kind: "refused", message: `MCP server '${this.name}': ${message}` };
        const refusal = await this.#ensure(signal).then(
          () => undefined,
          (failure: unknown) => this.#words(failure),
        );
        if (refusal !== undefined)
          return { kind: "refused", message: `MCP server '${this.name}' cannot be used now: ${refusal}` };
      }
    }
  }

  async #ask<T>(what: string, request: unknown, work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.#connection;
    if (connection === undefined) throw new UpstreamFailure("it is not connected");
    try {
      const target = `mcp:${what}:${this.name}`;
      const value = await recorded(this.#deps.record, target, request, () => work(connection));
      this.#succeeded();
      return value;
    } catch (error) {
      const isFatal = error instanceof UpstreamFailure && error.isFatal;
      this.#failed(this.#words(error), isFatal ? connection : undefined);
      throw new UpstreamFailure(this.#words(error), isFatal);
    }
  }

  /** Connected when it resolves; rejects with why not. */
  async #ensure(signal: AbortSignal): Promise<void> {
    if (this.#isStopped) throw new UpstreamFailure(this.#error ?? "it was stopped");
    if (this.#connection !== undefined) return;
    const tooSoon = this.#deps.clock.now() - this.#failedAttemptAt < LEAST_DELAY_MS;
    if (this.#connecting === undefined && tooSoon && !this.#isBackSoon)
      throw new UpstreamFailure(this.#error ?? "it has just failed");
    const aborted = Promise.withResolvers<never>();
    const abort = () =>
      aborted.reject(new UpstreamFailure("the call was stopped before the server answered"));
    aborted.promise.catch(() => undefined);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      await Promise.race([this.#attemptUntilBack(signal), aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** One attempt; more of them while the server has only just gone away, as one does that is restarted. */
  async #attemptUntilBack(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await this.#attempt();
      } catch (error) {
        if (!this.#isBackSoon || signal.aborted || this.#isStopped) throw error;
        await sleep(this.#deps.clock, LEAST_DELAY_MS, signal);
      }
    }
  }

  get #isBackSoon(): boolean {
    return this.#deps.clock.now() - this.#wentAwayAt < RETURN_MS;
  }

  /** One attempt at a time; whoever comes meanwhile waits for it. */
  #attempt(): Promise<void> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<void> {
    this.#retry?.cancel();
    this.#health = { ...this.#health, state: "connecting" };
    const { clock, record } = this.#deps;
    const given = new AbortController();
    this.#attempting = given;
    const limit = clock.schedule(this.spec.entry.startup_timeout_sec * 1_000, () => given.abort());
    // Known as soon as it is there: what cannot be recorded or adopted is closed again.
    const attempt: { opened?: Connection } = {};
    try {
      const opened = await recorded(record, `mcp:connect:${this.name}`, { server: this.name }, async () => {
        attempt.opened = await this.#deps.connect(this.spec, given.signal, () => void this.#refreshTools());
        return attempt.opened;
      });
      await this.#adopt(opened, given.signal);
    } catch (error) {
      const { opened } = attempt;
      if (opened !== this.#connection) void opened?.close().catch(() => undefined);
      if (error instanceof ToolClash) throw error;
      if (this.#isStopped) throw new UpstreamFailure(this.#error ?? "it was stopped");
      if (given.signal.reason instanceof CredentialChanged) throw given.signal.reason;
      const message = given.signal.aborted
        ? `it did not answer within ${this.spec.entry.startup_timeout_sec} s`
        : this.#words(error);
      this.#failedAttemptAt = this.#deps.clock.now();
      this.#failed(message);
      this.#later();
      throw new UpstreamFailure(message);
    } finally {
      limit.cancel();
      this.#attempting = undefined;
    }
  }

  /** Its tools are known before anybody is told that it is there. */
  async #adopt(connection: Connection, signal: AbortSignal): Promise<void> {
    // Whoever ended the attempt while an answer was on its way has said what the server is now.
    signal.throwIfAborted();
    const changes = this.#toolChanges;
    const listed = await this.#listed(connection, signal);
    signal.throwIfAborted();
    this.#connection = connection;
    this.#error = undefined;
    const { instructions, protocolVersion, serverVersion } = connection;
    this.#instructions =
      instructions === undefined || instructions.trim() === ""
        ? undefined
        : untrusted(this.#deps.redact(instructions), MCP_LIMITS.instructions);
    const { last_failure_at_ms } = this.#health;
    this.#health = {
      state: "connected",
      failed_attempts: 0,
      last_success_at_ms: this.#deps.clock.now(),
      ...(last_failure_at_ms === undefined ? {} : { last_failure_at_ms }),
      protocol_version: protocolVersion,
      ...(serverVersion === undefined ? {} : { server_version: serverVersion }),
    };
    void connection.closed.then((why) => this.#closed(connection, why));
    await this.#takeTools(listed);
    if (changes !== this.#toolChanges) void this.#refreshTools();
  }

  /** 03-R60: a server whose tools cannot be listed is there all the same, with none, and says why. */
  async #listed(
    connection: Connection,
    signal: AbortSignal,
  ): Promise<{ tools: readonly UpstreamTool[]; fault?: string }> {
    const target = `mcp:list_tools:${this.name}`;
    try {
      return {
        tools: await recorded(this.#deps.record, target, {}, () => connection.listTools(signal)),
      };
    } catch (error) {
      if (signal.aborted || (error instanceof UpstreamFailure && error.isFatal)) throw error;
      return { tools: [], fault: `its tools cannot be listed: ${this.#words(error)}` };
    }
  }

  async #takeTools({ tools, fault }: { tools: readonly UpstreamTool[]; fault?: string }): Promise<void> {
    if (fault !== undefined) this.#failed(fault);
    this.#tools = tools
      .filter(
        ({ name, execution }) => isOffered(this.spec.entry, name) && execution?.taskSupport !== "required",
      )
      .map((tool) => mcpTool(this, tool, this.#deps.held));
    const clash = this.#deps.onTools(this);
    if (clash === undefined) return;
    await this.stop(clash);
    throw new ToolClash(clash);
  }

  /** The server said that its tools are others now. Answers may overtake each other: the last question's counts. */
  async #refreshTools(): Promise<void> {
    const change = ++this.#toolChanges;
    const connection = this.#connection;
    if (connection === undefined || this.#isStopped) return;
    try {
      const listed = await this.#listed(connection, this.#stop.signal);
      // It may have been disconnected meanwhile, and its tools with it.
      if (this.#connection === connection && this.#toolChanges === change) await this.#takeTools(listed);
    } catch (error) {
      this.#deps.log.warn(
        { server: this.name, err: this.#words(error) },
        "an MCP server's tools cannot be taken over",
      );
    }
  }

  #closed(connection: Connection, why: string): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#wentAwayAt = this.#deps.clock.now();
    if (this.#isStopped) return;
    this.#deps.log.warn({ server: this.name, why: this.#deps.redact(why) }, "an MCP server went away");
    this.#failed(this.#deps.redact(why));
    this.#later();
  }

  async #disconnect(state: McpServerHealth["state"], why?: string): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (why !== undefined) this.#error = why;
    this.#health = { ...this.#health, state };
    await connection?.close().catch(() => undefined);
  }

  /** `broken`: the connection that is of no use any more. */
  #failed(message: string, broken?: Connection): void {
    this.#marked(message);
    this.#health = { ...this.#health, failed_attempts: this.#health.failed_attempts + 1 };
    if (broken === undefined || broken !== this.#connection) return;
    this.#connection = undefined;
    this.#wentAwayAt = this.#deps.clock.now();
    void broken.close().catch(() => undefined);
    this.#later();
  }

  /** 03-R68: a failed call marks the server, and a later success clears that. */
  #marked(message: string): void {
    this.#error = this.#deps.redact(message);
    this.#health = { ...this.#health, last_failure_at_ms: this.#deps.clock.now() };
  }

  #succeeded(): void {
    this.#error = undefined;
    this.#health = { ...this.#health, failed_attempts: 0, last_success_at_ms: this.#deps.clock.now() };
  }

  /** Connects again by itself, each time after a longer wait. */
  #later(): void {
    if (this.#isStopped || this.spec.entry.oauth_slot_ref !== undefined) {
      if (!this.#isStopped) this.#health = { ...this.#health, state: "waiting_for_authorization" };
      return;
    }
    const { clock, random } = this.#deps;
    const doublings = Math.min(this.#health.failed_attempts - 1, 10);
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, doublings));
    const jittered = Math.round(delay * (0.75 + random.unit() / 2));
    this.#health = {
      ...this.#health,
      state: "waiting_to_reconnect",
      next_attempt_at_ms: clock.now() + jittered,
    };
    this.#retry?.cancel();
    this.#retry = clock.schedule(jittered, () => void this.start());
  }

  #words(error: unknown): string {
    return this.#deps.redact(error instanceof Error ? error.message : String(error));
  }
}

/** 03-R61: the attempt was made with a secret that is another one now. */
class CredentialChanged extends UpstreamFailure {}

function failureOf({ kind }: CallEnd): string | undefined {
  if (kind === "refused") return "failed:status";
  return kind === "lost" ? "failed:transport" : undefined;
}
