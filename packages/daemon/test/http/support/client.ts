import { isDeepStrictEqual } from "node:util";
import { type Endpoint, type EndpointId, endpoints, ProblemDetails } from "@kheish/contract";
import type { z } from "zod";

type Spec<E extends EndpointId> = (typeof endpoints)[E];
type Schemas<E extends EndpointId> = Spec<E>["responses"][keyof Spec<E>["responses"]];
/** What an endpoint answers when it does not refuse. */
export type Answer<E extends EndpointId> = Schemas<E> extends z.ZodType ? z.output<Schemas<E>> : never;
type Body<E extends EndpointId> = Spec<E> extends { body: infer S extends z.ZodType } ? z.input<S> : never;

/** A call whose body the contract may not allow. */
export interface LooseCall {
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Call<E extends EndpointId> extends LooseCall {
  body?: Body<E>;
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
}

/**
 * A client that takes nothing for granted: every answer is held against the contract,
 * each refusal is a problem document whose parts agree with each other.
 */
export class Client {
  readonly #baseUrl: () => string;
  readonly #headers: Record<string, string>;

  /** A function, because a daemon has another address after each restart. `headers` go with every request. */
  constructor(baseUrl: () => string, headers: Record<string, string> = {}) {
    this.#baseUrl = baseUrl;
    this.#headers = headers;
  }

  /** The answer of a call that is not refused. */
  async call<E extends EndpointId>(endpoint: E, call: Call<E> = {}): Promise<Answer<E>> {
    return (await this.exchange(endpoint, call)).answer;
  }

  /** The same with its status. */
  async exchange<E extends EndpointId>(
    endpoint: E,
    call: LooseCall = {},
  ): Promise<{ status: number; answer: Answer<E> }> {
    const reply = await this.#send(endpoint, call);
    const { responses, kind }: Endpoint = endpoints[endpoint];
    const schema = responses[reply.status];
    if (schema === undefined) throw new Error(`${endpoint} answered ${reply.status}: ${reply.text}`);
    const answer = kind === "text" ? reply.text : JSON.parse(reply.text);
    requireShape(schema, answer, endpoint);
    return { status: reply.status, answer };
  }

  /** The problem document of a call that is refused. */
  async refusal(endpoint: EndpointId, call: LooseCall = {}): Promise<ProblemDetails> {
    return problemIn(await this.#send(endpoint, call), endpoint);
  }

  /** A request of any shape. */
  async send(
    method: string,
    path: string,
    init: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> } = {},
  ): Promise<Reply> {
    const response = await fetch(this.#baseUrl() + path, {
      method,
      signal: AbortSignal.timeout(60_000),
      ...init,
      headers: { ...this.#headers, ...init.headers },
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** A request that may be taken or refused. */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const json = { "content-type": "application/json" };
    return this.send("POST", path, { headers: { ...json, ...headers }, body: JSON.stringify(body) });
  }

  /** Where an endpoint is. */
  url(endpoint: EndpointId, call: LooseCall = {}): string {
    return this.#baseUrl() + pathOf(endpoint, call);
  }

  #send(endpoint: EndpointId, call: LooseCall): Promise<Reply> {
    const headers = {
      ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      ...call.headers,
    };
    return this.send(endpoints[endpoint].method, pathOf(endpoint, call), {
      headers,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
  }
}

function pathOf(endpoint: EndpointId, call: LooseCall): string {
  const path = endpoints[endpoint].path.replace(/\{\*?(\w+)\}/g, (_, name: string) => {
    const value = call.params?.[name];
    if (value === undefined) throw new Error(`${endpoint} needs '${name}'`);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams(call.query).toString();
  return query === "" ? path : `${path}?${query}`;
}

/** The contract says all there is: a member it does not know is as wrong as one that is missing. */
export function requireShape(schema: z.ZodType, value: unknown, what: string): void {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Error(`${what} breaks the contract: ${parsed.error.message}`);
  if (isDeepStrictEqual(parsed.data, value)) return;
  throw new Error(`${what} has members that the contract does not know: ${JSON.stringify(value)}`);
}

/** The problem document in a reply, which has to be one. */
export function problemIn(reply: Reply, what: string): ProblemDetails {
  if (reply.status < 400) throw new Error(`${what} was not refused: ${reply.status} ${reply.text}`);
  const type = reply.headers.get("content-type");
  if (type !== "application/problem+json")
    throw new Error(`${what} was refused with a ${type}: ${reply.text}`);
  const problem = JSON.parse(reply.text) as ProblemDetails;
  requireShape(ProblemDetails, problem, what);
  if (problem.status !== reply.status || problem.type !== `urn:kheish:problem:${problem.code}`) {
    throw new Error(`${what} was refused with ${reply.status} and contradicts itself: ${reply.text}`);
  }
  return problem;
}
