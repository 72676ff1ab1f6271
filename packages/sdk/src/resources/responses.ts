import type { InputItem, SubmitInputRequest } from "@kheish/contract";
import type { CallOptions, Keyed } from "../endpoints/types.ts";
import { KheishProblem } from "../errors.ts";
import { type RouteInput, routed } from "./route.ts";
import { type Connection, Run } from "./run.ts";

type Submission = Omit<
  SubmitInputRequest,
  "content" | "input_items" | "provider" | "route_id" | "idempotency_key"
>;

/** Work for a session. Beside these, everything that a submission takes. */
export interface ResponseRequest extends Partial<Submission>, Keyed, CallOptions {
  /** What is asked: text, or text and files in order. */
  prompt: string | InputItem[];
  /** Default: the session's route, else the daemon's. */
  route?: RouteInput | undefined;
}

export interface SessionResponseRequest extends ResponseRequest {
  /** Created where it is not there yet. Default: a new session with an id of the daemon's. */
  session?: string | undefined;
}

/** Hands work to the daemon. */
export class Responses {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Submits and returns at once: what was accepted is on disk, and the run goes on without the caller. Sent under a key,
   * so that it is accepted once, however often it has to be repeated.
   */
  async create({ session, ...request }: SessionResponseRequest): Promise<Run> {
    if (session === undefined) return this.#submit(await this.#newSession({}, request), request);
    try {
      return await this.#submit(session, request);
    } catch (error) {
      if (!(error instanceof KheishProblem && error.is("sessions", "session_not_found"))) throw error;
      return this.#submit(await this.#newSession({ session_id: session }, request), request);
    }
  }

  /** Whoever gives a key means the session too: the same call again makes no second one. */
  async #newSession(body: { session_id?: string }, request: ResponseRequest): Promise<string> {
    const { idempotencyKey, signal, timeoutMs, maxRetries, headers } = request;
    const options = { idempotencyKey, signal, timeoutMs, maxRetries, headers };
    return (await this.#connection.api.createSession({ body, ...options })).session_id;
  }

  async #submit(session_id: string, request: ResponseRequest): Promise<Run> {
    const { prompt, route, generation, idempotencyKey, signal, timeoutMs, maxRetries, headers, ...rest } =
      request;
    const asked = typeof prompt === "string" ? { content: prompt } : { input_items: prompt };
    const view = await this.#connection.api.submitRun({
      params: { session_id },
      body: { ...rest, ...asked, ...routed(route, generation) },
      idempotencyKey,
      signal,
      timeoutMs,
      maxRetries,
      headers,
    });
    return new Run(this.#connection, view);
  }
}
