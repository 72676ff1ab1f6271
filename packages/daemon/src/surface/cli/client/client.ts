import type { EndpointId } from "@kheish/contract";
import type { CliClock } from "../context.ts";
import type {
  AnyEndpointRow,
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
import { table } from "./table.ts";
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

  /** Any request as it is, for those who speak for somebody else; whatever is answered is theirs to read. */
  exchange(request: HttpRequest, timeoutMs: number): Promise<Answer> {
    return exchange(this.#options, request, timeoutMs);
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
    const request = { method: "OPTIONS", path: table.status.path, headers };
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
    const path = pathOf(table[id].path, params ?? {});
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
  const { method, path } = table[id];
  return {
    method,
    path: pathOf(path, input.params ?? {}) + queryOf(input.query ?? {}),
    ...(input.headers && { headers: input.headers }),
    ...(input.body !== undefined && { body: input.body }),
    ...(input.signal && { signal: input.signal }),
  };
}

/** Less than the contract's schema says, whose building would take longer than the whole call. */
function decode(id: CallEndpointId, answer: Answer): unknown {
  const { kind, members = "" }: AnyEndpointRow = table[id];
  if (!isSuccess(answer.status)) throw refusalFrom(answer.status, answer.text);
  if (kind === "text") return answer.text;
  const value = parseJson(id, answer.text);
  const missing = members.split(" ").find((name) => name !== "" && !(isObject(value) && name in value));
  if (missing === undefined) return value;
  throw new UndecodableAnswer(
    `the daemon's answer to ${id} does not have the expected shape: /${missing}: it is not there`,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function parseJson(id: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UndecodableAnswer(`the daemon's answer to ${id} is not JSON; is it at this URL?`);
  }
}
