import { type EndpointId, endpoints, type Json } from "@kheish/contract";
import { pathOf, queryOf } from "../cli/client/path.ts";

export interface PlaneRequest {
  method: string;
  /** Path and query, already encoded. */
  path: string;
  headers?: Record<string, string>;
  body?: object;
  signal?: AbortSignal;
}

/** Sends a request to the control plane as the one who asks, and answers what came back. */
export type Send = (request: PlaneRequest) => Promise<{ status: number; text: string }>;

export interface PlaneInput {
  params?: Record<string, string>;
  query?: object;
  body?: object;
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** The control plane refused: with the problem that says why. */
export class PlaneRefusal extends Error {
  readonly problem: Json;

  constructor(status: number, text: string) {
    const problem = parsed(text);
    const { detail, code } = (problem ?? {}) as { detail?: string; code?: string };
    super(detail === undefined ? `the daemon answered ${status}` : `${code ?? status}: ${detail}`);
    this.name = "PlaneRefusal";
    this.problem = problem ?? { status };
  }
}

/** The endpoints of the contract, for whoever acts for somebody else: authority is theirs, and checked where it always is. */
export class ControlPlane {
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  async call<T = Json>(id: EndpointId, input: PlaneInput = {}): Promise<T> {
    const { method, path } = endpoints[id];
    const { idempotencyKey, body, signal } = input;
    const { status, text } = await this.#send({
      method,
      path: pathOf(path, input.params ?? {}) + queryOf(input.query ?? {}),
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
      ...(idempotencyKey === undefined ? {} : { headers: { "idempotency-key": idempotencyKey } }),
    });
    if (status < 200 || status > 299) throw new PlaneRefusal(status, text);
    return parsed(text) as T;
  }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
