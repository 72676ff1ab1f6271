import { type EndpointId, endpoints } from "@kheish/contract";
import type { ZodType } from "zod";
import type { CliClock } from "../context.ts";
import type {
  CallEndpointId,
  CallInput,
  CallOptions,
  ResponseOf,
  StreamEndpointId,
  StreamInput,
} from "./endpoint-types.ts";
import { refusalFrom, UndecodableAnswer } from "./errors.ts";
import { type FollowOptions, follow, type StreamItem } from "./follow.ts";
import { pathOf, queryOf } from "./path.ts";
import {
  type Answer,
  exchange,
  type HttpRequest,
  isSuccess,
  open,
  type Target,
  textOf,
  withNetworkErrors,
} from "./transport.ts";

const REQUEST_TIMEOUT_MS = 60_000;

export interface ClientOptions extends Target {
  readonly clock: CliClock;
}

/** What an endpoint may be given, seen without its types. */
interface AnyInput extends CallOptions {
  params?: Readonly<Record<string, string>> | undefined;
  query?: object;
  body?: unknown;
}

/** Speaks the contract's endpoint table: the table decides methods, paths and shapes, nothing is repeated. */
export class DaemonClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get baseUrl(): string {
    return this.#options.baseUrl;
  }

  /** Calls an endpoint. Anything but a success of the contract's shape is a `CliError`. */
  async call<E extends CallEndpointId>(
    id: E,
    ...[input]: Record<never, never> extends CallInput<E> ? [input?: CallInput<E>] : [input: CallInput<E>]
  ): Promise<ResponseOf<E>> {
    const given: AnyInput = input ?? {};
    const answer = await exchange(
      this.#options,
      requestFor(id, given),
      given.timeoutMs ?? REQUEST_TIMEOUT_MS,
    );
    return decode(id, answer) as ResponseOf<E>;
  }

  /** The bytes of a `binary` answer as they come; however many, and however long they take. */
  async download(id: "backup"): Promise<AsyncIterable<Uint8Array>> {
    const response = await open(this.#options, requestFor(id, {}));
    if (!isSuccess(response.status))
      throw refusalFrom(response.status, await textOf(this.#options, response));
    return withoutNetworkErrors(this.#options, response.body);
  }

  /** The origin that the daemon lets browsers call it from, asked as a browser asks. */
  async preflight(origin: string): Promise<string | null> {
    const headers = {
      origin,
      "access-control-request-method": "GET",
      "access-control-request-headers": "authorization",
    };
    const request = { method: "OPTIONS", path: endpoints.status.path, headers };
    const { headers: answered } = await exchange(this.#options, request, REQUEST_TIMEOUT_MS);
    const allowed = answered["access-control-allow-origin"];
    return allowed === undefined ? null : String(allowed);
  }

  /** Follows a stream and outlives broken connections; see `follow`. */
  stream<E extends StreamEndpointId>(
    id: E,
    input: StreamInput<E>,
    options?: FollowOptions,
  ): AsyncGenerator<StreamItem, void> {
    const { params, query }: AnyInput = input;
    const path = pathOf(endpoints[id].path, params ?? {});
    return follow({ ...this.#options, path, query: query ?? {} }, options);
  }
}

async function* withoutNetworkErrors(
  target: Target,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  for (;;) {
    const next = await withNetworkErrors(target, () => chunks.next());
    if (next.done === true) return;
    yield next.value;
  }
}

function requestFor(id: EndpointId, input: AnyInput): HttpRequest {
  const { method, path } = endpoints[id];
  return {
    method,
    path: pathOf(path, input.params ?? {}) + queryOf(input.query ?? {}),
    ...(input.headers && { headers: input.headers }),
    ...(input.body !== undefined && { body: input.body }),
    ...(input.signal && { signal: input.signal }),
  };
}

function decode(id: CallEndpointId, answer: Answer): unknown {
  const endpoint: { kind?: string; responses: Readonly<Record<number, ZodType>> } = endpoints[id];
  if (!isSuccess(answer.status)) throw refusalFrom(answer.status, answer.text);
  if (endpoint.kind === "text") return answer.text;
  const value = parseJson(id, answer.text);
  // Some answers come with another 2xx than the table's, from an older daemon: the shape is what counts.
  const schema = endpoint.responses[answer.status] ?? Object.values(endpoint.responses)[0];
  const checked = schema?.safeParse(value);
  if (checked?.success === false) {
    const [issue] = checked.error.issues;
    throw new UndecodableAnswer(
      `the daemon's answer to ${id} does not have the expected shape: /${issue?.path.join("/")}: ${issue?.message}`,
    );
  }
  return value;
}

function parseJson(id: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UndecodableAnswer(`the daemon's answer to ${id} is not JSON`);
  }
}
