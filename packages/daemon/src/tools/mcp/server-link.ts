import type { Tool } from "../../engine/ports.ts";
import { type Clock, sleep, type Timer } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import { type ActionSink, recorded } from "./actions.ts";
import type { Connect } from "./connection.ts";
import { type Connection, ToolClash, UpstreamFailure, type UpstreamTool } from "./connection-port.ts";
import { LEAST_DELAY_MS, reconnectDelayMs } from "./reconnect.ts";
import { ServerHealth } from "./server-health.ts";
import type { ServerSpec } from "./spec.ts";

export interface LinkDeps {
  clock: Clock;
  random: Random;
  log: Log;
  /** Opens and initialises a connection; calls back when the server's tools have changed. */
  connect: Connect;
  redact: (text: string) => string;
  record: ActionSink;
}

/** What becomes of the tools that a connection brings. */
export interface ToolTaker {
  /** Of the tools that the server lists, those that it gives, as the daemon's. */
  offered: (listed: readonly UpstreamTool[]) => readonly Tool[];
  /** The tools are others than before. Answers why they cannot stand beside those of other servers. */
  onTools: () => string | undefined;
}

/**
 * Keeps one server connected, and its tools with it: connects, and connects again when it went away.
 *
 * Its tools stay while it is away for a moment, so that a call finds it back or learns why not. They go when it was
 * stopped, or when its credential changed.
 */
export class ServerLink {
  readonly health: ServerHealth;
  readonly #deps: LinkDeps;
  readonly #spec: ServerSpec;
  readonly #taker: ToolTaker;
  #connection: Connection | undefined;
  #connecting: Promise<void> | undefined;
  #tools: readonly Tool[] = [];
  #retry: Timer | undefined;
  #isStopped = false;
  readonly #stop = new AbortController();
  /** How often the server has said that its tools are others now. */
  #toolChanges = 0;
  /** Ends the attempt that is under way, with why. */
  #attempting: AbortController | undefined;

  constructor(deps: LinkDeps, spec: ServerSpec, taker: ToolTaker) {
    this.#deps = deps;
    this.#spec = spec;
    this.#taker = taker;
    this.health = new ServerHealth(deps.clock, deps.redact, this.#isLazy);
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  get tools(): readonly Tool[] {
    return this.#tools;
  }

  get isAwaitingAuthorization(): boolean {
    return this.health.record.state === "waiting_for_authorization";
  }

  /** It is connected to for a session that may use its account, never by itself (03-R62). */
  get #isLazy(): boolean {
    return this.#spec.entry.oauth_slot_ref !== undefined;
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
    this.#taker.onTools();
  }

  /** 03-R61: its secret is another one now, or may not be used any more. */
  async credentialChanged(slotId: string, isUsable: boolean): Promise<void> {
    if (this.#isStopped) return;
    if (isUsable && slotId === this.#spec.entry.oauth_slot_ref) {
      // A token that was refreshed is the same account's: the next request takes it, also one that has just failed.
      this.health.forgetFailedAttempt();
      return;
    }
    const changed = new CredentialChanged(`the credential '${slotId}' has changed`);
    this.#retry?.cancel();
    this.#attempting?.abort(changed);
    this.#tools = [];
    this.#taker.onTools();
    await this.#disconnect("waiting_to_reconnect", changed.message);
    await this.#connecting?.catch(() => undefined);
    if (this.#isLazy) this.health.enter("waiting_for_authorization");
    else if (isUsable) void this.start();
  }

  /** Connected when it resolves; rejects with why not. */
  async ensure(signal: AbortSignal): Promise<void> {
    if (this.#isStopped) throw new UpstreamFailure(this.health.error ?? "it was stopped");
    if (this.#connection !== undefined) return;
    if (this.#connecting === undefined && this.health.hasJustFailed)
      throw new UpstreamFailure(this.health.error ?? "it has just failed");
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

  /** `broken`: the connection that is of no use any more. */
  failed(message: string, broken?: Connection): void {
    this.health.failed(message);
    if (broken === undefined || broken !== this.#connection) return;
    this.#connection = undefined;
    this.health.wentAway();
    void broken.close().catch(() => undefined);
    this.#later();
  }

  /** What went wrong, without a secret. */
  words(error: unknown): string {
    return this.#deps.redact(error instanceof Error ? error.message : String(error));
  }

  /** One attempt; more of them while the server has only just gone away, as one does that is restarted. */
  async #attemptUntilBack(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await this.#attempt();
      } catch (error) {
        if (!this.health.isBackSoon || signal.aborted || this.#isStopped) throw error;
        await sleep(this.#deps.clock, LEAST_DELAY_MS, signal);
      }
    }
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
    this.health.enter("connecting");
    const { clock, connect, record } = this.#deps;
    const { name, entry } = this.#spec;
    const given = new AbortController();
    this.#attempting = given;
    const limit = clock.schedule(entry.startup_timeout_sec * 1_000, () => given.abort());
    // Known as soon as it is there: what cannot be recorded or adopted is closed again.
    const attempt: { opened?: Connection } = {};
    try {
      const opened = await recorded(record, `mcp:connect:${name}`, { server: name }, async () => {
        attempt.opened = await connect(this.#spec, given.signal, () => void this.#refreshTools());
        return attempt.opened;
      });
      await this.#adopt(opened, given.signal);
    } catch (error) {
      const { opened } = attempt;
      if (opened !== this.#connection) void opened?.close().catch(() => undefined);
      if (error instanceof ToolClash) throw error;
      if (this.#isStopped) throw new UpstreamFailure(this.health.error ?? "it was stopped");
      if (given.signal.reason instanceof CredentialChanged) throw given.signal.reason;
      const message = given.signal.aborted
        ? `it did not answer within ${entry.startup_timeout_sec} s`
        : this.words(error);
      this.health.attemptFailed(message);
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
    this.health.connected(connection);
    void connection.closed.then((why) => this.#closed(connection, why));
    await this.#takeTools(listed);
    if (changes !== this.#toolChanges) void this.#refreshTools();
  }

  /** 03-R60: a server whose tools cannot be listed is there all the same, with none, and says why. */
  async #listed(
    connection: Connection,
    signal: AbortSignal,
  ): Promise<{ tools: readonly UpstreamTool[]; fault?: string }> {
    const target = `mcp:list_tools:${this.#spec.name}`;
    try {
      return {
        tools: await recorded(this.#deps.record, target, {}, () => connection.listTools(signal)),
      };
    } catch (error) {
      if (signal.aborted || (error instanceof UpstreamFailure && error.isFatal)) throw error;
      return { tools: [], fault: `its tools cannot be listed: ${this.words(error)}` };
    }
  }

  async #takeTools({ tools, fault }: { tools: readonly UpstreamTool[]; fault?: string }): Promise<void> {
    if (fault !== undefined) this.health.failed(fault);
    this.#tools = this.#taker.offered(tools);
    const clash = this.#taker.onTools();
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
        { server: this.#spec.name, err: this.words(error) },
        "an MCP server's tools cannot be taken over",
      );
    }
  }

  #closed(connection: Connection, why: string): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.health.wentAway();
    if (this.#isStopped) return;
    this.#deps.log.warn({ server: this.#spec.name, why: this.#deps.redact(why) }, "an MCP server went away");
    this.health.failed(this.#deps.redact(why));
    this.#later();
  }

  async #disconnect(state: "stopped" | "waiting_to_reconnect", why?: string): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.health.enter(state, why);
    await connection?.close().catch(() => undefined);
  }

  /** Connects again by itself, each time after a longer wait. */
  #later(): void {
    if (this.#isStopped) return;
    if (this.#isLazy) {
      this.health.enter("waiting_for_authorization");
      return;
    }
    const { clock, random } = this.#deps;
    const delayMs = reconnectDelayMs(this.health.record.failed_attempts, random.unit());
    this.health.waitToReconnect(delayMs);
    this.#retry?.cancel();
    this.#retry = clock.schedule(delayMs, () => void this.start());
  }
}

/** 03-R61: the attempt was made with a secret that is another one now. */
class CredentialChanged extends UpstreamFailure {}
