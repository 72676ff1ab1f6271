import {
  Client,
  type ElicitResult,
  isInputRequiredResult,
  type JSONRPCMessage,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
  specTypeSchemas,
  type Transport,
  withInputRequired,
} from "@modelcontextprotocol/client";
import type { CallEnd, Connection, ListKind, UpstreamCall, UpstreamTool } from "./connection-port.ts";
import { UpstreamFailure } from "./connection-port.ts";
import { type Elicitation, readElicitation } from "./elicitation.ts";
import { isObject } from "./input-schema.ts";
import { limitLists } from "./list-budget.ts";

/** `legacy`: up to 2025-11-25, with a handshake and requests in both directions. `modern`: from 2026-07-28 on. */
export type Era = "legacy" | "modern";

export interface InitialiseOptions {
  /** For messages. */
  name: string;
  version: string;
  era: Era | "unknown";
  signal: AbortSignal;
  onToolsChanged: () => void;
}

/** A server that says nothing to the question which protocol it speaks is taken for an older one after this. */
const PROBE_MS = 3_000;
/** The engine and its limits decide how long a call may take, not the SDK. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;
/** Says which call of ours a request belongs to. */
const CALL_KEY = "kheish/idempotency-key";

/** Connects a client and answers what it turned out to be. */
export async function initialise(
  transport: Transport,
  options: InitialiseOptions,
): Promise<{ connection: Connection; era: Era }> {
  const calls = new CallsInFlight();
  const closed = Promise.withResolvers<string>();
  const client = new Client(
    { name: "kheish", version: options.version },
    {
      capabilities: { elicitation: { form: {}, url: {} } },
      versionNegotiation: {
        mode: options.era === "legacy" ? "legacy" : "auto",
        probe: { timeoutMs: PROBE_MS },
      },
      inputRequired: { autoFulfill: false },
      listChanged: { tools: { autoRefresh: false, onChanged: () => options.onToolsChanged() } },
      jsonSchemaValidator: TRUSTING,
    },
  );
  client.setRequestHandler("elicitation/create", async (request, context) => {
    const asked = readElicitation(request.params);
    const { relatedRequestId } = context.mcpReq as { relatedRequestId?: string | number };
    const call = calls.askedBy(relatedRequestId);
    if (asked === undefined || call === undefined) return { action: "cancel" };
    return (await call.onAsked(asked)) as ElicitResult;
  });
  client.onclose = () => closed.resolve("the connection was closed");
  calls.watch(transport);
  limitLists(transport);
  await untilAborted(client.connect(transport, { timeout: NO_TIMEOUT_MS }), options.signal, () =>
    client.close(),
  );
  const era = client.getProtocolEra() === "modern" ? "modern" : "legacy";
  return { connection: new SdkConnection(client, calls, closed.promise), era };
}

export function httpTransport(url: URL, fetching: typeof fetch): Transport {
  return new StreamableHTTPClientTransport(url, { fetch: fetching });
}

class SdkConnection implements Connection {
  readonly closed: Promise<string>;
  readonly #client: Client;
  readonly #calls: CallsInFlight;

  constructor(client: Client, calls: CallsInFlight, closed: Promise<string>) {
    this.#client = client;
    this.#calls = calls;
    this.closed = closed;
  }

  get protocolVersion(): string {
    return this.#client.getNegotiatedProtocolVersion() ?? "unknown";
  }

  get serverVersion(): string | undefined {
    const info = this.#client.getServerVersion();
    return info === undefined ? undefined : `${info.name} ${info.version}`;
  }

  get instructions(): string | undefined {
    return this.#client.getInstructions();
  }

  async listTools(signal: AbortSignal): Promise<UpstreamTool[]> {
    if (this.#client.getServerCapabilities()?.tools === undefined) return [];
    const { tools } = await this.#asked(
      this.#client.listTools(undefined, { signal, timeout: NO_TIMEOUT_MS }),
    );
    return tools;
  }

  async call(call: UpstreamCall, signal: AbortSignal): Promise<CallEnd> {
    const { tool, input, idempotencyKey, inputResponses, requestState } = call;
    const { streamEnded, done } = this.#calls.begin(call);
    const leaving = new AbortController();
    try {
      const answer = this.#client.request(
        {
          method: "tools/call",
          params: {
            name: tool,
            arguments: input as Record<string, unknown>,
            _meta: { [CALL_KEY]: idempotencyKey },
            ...(inputResponses === undefined ? {} : { inputResponses }),
            ...(requestState === undefined ? {} : { requestState }),
          },
        } as never,
        withInputRequired(specTypeSchemas.CallToolResult),
        {
          signal: AbortSignal.any([signal, leaving.signal]),
          timeout: NO_TIMEOUT_MS,
          allowInputRequired: true,
        },
      );
      const result = await Promise.race([answer, streamEnded]);
      if (result === STREAM_ENDED) {
        answer.catch(() => undefined);
        leaving.abort();
        return { kind: "lost", message: "the server went away before it answered" };
      }
      return isInputRequiredResult(result) ? inputRequired(result) : { kind: "result", result };
    } catch (error) {
      return endOf(error, signal);
    } finally {
      done();
    }
  }

  async list(what: ListKind, cursor: string | undefined, signal: AbortSignal) {
    const params = cursor === undefined ? undefined : { cursor };
    const options = { signal, timeout: NO_TIMEOUT_MS };
    if (what === "resources") {
      const { resources, nextCursor } = await this.#asked(this.#client.listResources(params, options));
      return page(resources, nextCursor);
    }
    const { resourceTemplates, nextCursor } = await this.#asked(
      this.#client.listResourceTemplates(params, options),
    );
    return page(resourceTemplates, nextCursor);
  }

  async read(uri: string, signal: AbortSignal): Promise<unknown[]> {
    const { contents } = await this.#asked(
      this.#client.readResource({ uri }, { signal, timeout: NO_TIMEOUT_MS }),
    );
    return contents;
  }

  async prompts(cursor: string | undefined, signal: AbortSignal) {
    const params = cursor === undefined ? undefined : { cursor };
    const { prompts, nextCursor } = await this.#asked(
      this.#client.listPrompts(params, { signal, timeout: NO_TIMEOUT_MS }),
    );
    return page(prompts, nextCursor);
  }

  async prompt(name: string, args: Record<string, string>, signal: AbortSignal): Promise<unknown[]> {
    const { messages } = await this.#asked(
      this.#client.getPrompt({ name, arguments: args }, { signal, timeout: NO_TIMEOUT_MS }),
    );
    return messages;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw new UpstreamFailure(wordsOf(error), isGone(error));
    }
  }
}

function page(items: unknown[], nextCursor: string | undefined) {
  return nextCursor === undefined ? { items } : { items, nextCursor };
}

const STREAM_ENDED = Symbol("the stream of an answer ended without one");

interface InFlight {
  call: UpstreamCall;
  streamEnded: () => void;
}

/** Calls that have left, by the id of their request: whom a question is for, and who is left without an answer. */
class CallsInFlight {
  readonly #open = new Map<string, InFlight>();
  readonly #byId = new Map<string | number, string>();

  begin(call: UpstreamCall): { streamEnded: Promise<typeof STREAM_ENDED>; done: () => void } {
    const { promise, resolve } = Promise.withResolvers<typeof STREAM_ENDED>();
    const { idempotencyKey: key } = call;
    // An answer that came last on its stream is read before this is.
    this.#open.set(key, { call, streamEnded: () => void setImmediate(() => resolve(STREAM_ENDED)) });
    const done = () => {
      this.#open.delete(key);
      for (const [id, own] of this.#byId) if (own === key) this.#byId.delete(id);
    };
    return { streamEnded: promise, done };
  }

  /** Learns the ids of requests as they leave, and of their streams when they end. */
  watch(transport: Transport): void {
    const send = transport.send.bind(transport);
    transport.send = (message: JSONRPCMessage, options) => {
      const key = keyOf(message);
      if (key === undefined || !("id" in message) || message.id === undefined) return send(message, options);
      this.#byId.set(message.id, key);
      return send(message, {
        ...options,
        onRequestStreamEnd: () => {
          options?.onRequestStreamEnd?.();
          this.#open.get(key)?.streamEnded();
        },
      });
    };
  }

  /**
   * The call that a question belongs to. Over HTTP it comes on that call's stream. Over standard streams nothing says
   * so: then it is the only run's that has calls in flight, and nobody's when there are several, lest one session
   * be asked what another one's call wants to know.
   */
  askedBy(requestId: string | number | undefined): UpstreamCall | undefined {
    const key = requestId === undefined ? undefined : this.#byId.get(requestId);
    if (key !== undefined) return this.#open.get(key)?.call;
    const [oldest, ...others] = [...this.#open.values()].map(({ call }) => call);
    return others.every(({ runId }) => runId === oldest?.runId) ? oldest : undefined;
  }
}

function keyOf(message: JSONRPCMessage): string | undefined {
  if (!("method" in message)) return undefined;
  const key = (message.params as { _meta?: Record<string, unknown> } | undefined)?._meta?.[CALL_KEY];
  return typeof key === "string" ? key : undefined;
}

function inputRequired(result: { inputRequests?: unknown; requestState?: unknown }): CallEnd {
  const requests: Record<string, Elicitation> = {};
  const { inputRequests, requestState } = result;
  for (const [key, request] of Object.entries(isObject(inputRequests) ? inputRequests : {})) {
    const asked =
      isObject(request) && request.method === "elicitation/create"
        ? readElicitation(request.params)
        : undefined;
    if (asked === undefined)
      return { kind: "refused", message: "the server wants input of a kind that the daemon does not give" };
    requests[key] = asked;
  }
  return {
    kind: "input_required",
    requests,
    ...(typeof requestState === "string" ? { requestState } : {}),
  };
}

/** What a failed call means: did the server say no, or is nobody there to say what happened? */
function endOf(error: unknown, signal: AbortSignal): CallEnd {
  if (error instanceof ProtocolError || error instanceof SdkHttpError) {
    if (isGone(error)) throw new UpstreamFailure(wordsOf(error), true);
    return { kind: "refused", message: wordsOf(error) };
  }
  const cause = rootOf(error);
  if (cause instanceof UpstreamFailure) return { kind: "refused", message: cause.message };
  if (signal.aborted) return { kind: "lost", message: "the call was stopped before the server answered" };
  if (neverLeft(error)) throw new UpstreamFailure(wordsOf(error), true);
  return { kind: "lost", message: wordsOf(error) };
}

/** 404, and 400 as many servers have it: the session is not known any more, and nothing was done. */
function isGone(error: unknown): boolean {
  if (error instanceof SdkHttpError)
    return error.status === 404 || (error.status === 400 && /session/i.test(error.message));
  return neverLeft(error) || (error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed);
}

const NOT_CONNECTED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function neverLeft(error: unknown): boolean {
  if (error instanceof SdkError && error.code === SdkErrorCode.NotConnected) return true;
  return NOT_CONNECTED.has(codeOf(error) ?? "");
}

/** The error at the bottom, however often it was wrapped. */
function rootOf(error: unknown): unknown {
  const { cause, data } = (error ?? {}) as { cause?: unknown; data?: { cause?: unknown } };
  const inner = cause ?? data?.cause;
  return inner === undefined ? error : rootOf(inner);
}

/** What the system calls it. */
function codeOf(error: unknown): string | undefined {
  const { code } = (rootOf(error) ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

function wordsOf(error: unknown): string {
  if (error instanceof SdkHttpError) return `HTTP ${error.status}`;
  const message = error instanceof Error ? error.message : String(error);
  const root = rootOf(error);
  if (root instanceof UpstreamFailure) return root.message;
  const why =
    root === error ? undefined : (codeOf(error) ?? (root instanceof Error ? root.message : undefined));
  return why === undefined || message.includes(why) ? message : `${message} (${why})`;
}

/** A server's answer is data for a model either way; whether it keeps the schema it announced changes nothing. */
const TRUSTING = {
  getValidator: () => (input: unknown) => ({
    valid: true as const,
    data: input as never,
    errorMessage: undefined,
  }),
};

async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  stop: () => Promise<unknown>,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new UpstreamFailure("it was stopped"));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, promise]);
  } catch (error) {
    work.catch(() => undefined);
    await stop().catch(() => undefined);
    throw error instanceof UpstreamFailure ? error : new UpstreamFailure(wordsOf(error));
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
