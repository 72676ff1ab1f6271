import { type EndpointId, endpoints, isProblem, type JsonObject } from "@kheish/contract";
import type { BoundRequest, Principal, SseFrame } from "../../../src/features/binding.ts";
import { ProblemDesk } from "../../../src/surface/http/response/problems.ts";
import type { Weather } from "../plan/weather.ts";
import type { Prng } from "./prng.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** The answer did not come: nobody knows whether the request arrived. */
export class Disconnected extends Error {}

export interface Request {
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: object;
  idempotencyKey?: string;
  /** A named token; absent: the administrator asks. */
  bearer?: string;
}

export interface Answer {
  status: number;
  code: string | undefined;
  json: JsonObject;
}

interface NetworkParts {
  scheduler: Scheduler;
  prng: Prng;
  weather: () => Weather;
  processes: () => readonly SimulatedProcess[];
  onTalk: (client: Owner, text: () => string) => void;
  onIncident: (process: SimulatedProcess, endpoint: EndpointId, error: unknown) => void;
  /** A daemon has looked at a token; `looked` is what was said before it did. */
  beforeToken: () => number;
  onToken: (bearer: string, looked: number, isAccepted: boolean) => void;
}

/** What lies between clients and daemons: time, and the loss of requests and of answers. */
export class Network {
  readonly #parts: NetworkParts;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  /** A daemon that can be reached, drawn at random. */
  reachable(): SimulatedProcess | undefined {
    const { prng, processes } = this.#parts;
    const up = processes().filter((process) => process.alive && process.started);
    return up.length === 0 ? undefined : prng.pick(up);
  }

  /** One request to a daemon, by default to any; rejects with `Disconnected`. */
  call(
    client: Owner,
    endpoint: EndpointId,
    request: Request = {},
    process = this.reachable(),
  ): Promise<Answer> {
    const { scheduler, prng, weather, onTalk } = this.#parts;
    const { networkMs, requestsLost, answersLost } = weather();
    onTalk(client, () => `${endpoint} ${JSON.stringify(request)} -> ${process?.name ?? "nobody"}`);
    return new Promise((resolve, reject) => {
      let over = false;
      const arrive = (what: string, settle: () => void) => {
        if (over) return;
        over = true;
        scheduler.schedule(prng.int(0, networkMs), client, what, settle);
      };
      const lose = () => arrive("disconnected", () => reject(new Disconnected(endpoint)));
      if (process === undefined || prng.chance(requestsLost)) return lose();
      process.onDeath(lose);
      scheduler.schedule(prng.int(0, networkMs), process, endpoint, () => {
        void this.#handle(process, endpoint, request).then((answer) => {
          if (prng.chance(answersLost)) lose();
          else {
            arrive("answered", () => {
              onTalk(client, () => `${endpoint} <- ${answer.status} ${answer.code ?? ""}`);
              resolve(answer);
            });
          }
        });
      });
    });
  }

  /** Opens a stream on one daemon; the caller reads it, and loses it when the daemon dies. */
  async stream(
    process: SimulatedProcess,
    endpoint: EndpointId,
    request: Request & { lastEventId?: string; signal: AbortSignal },
  ): Promise<AsyncIterator<SseFrame>> {
    const { lastEventId, signal } = request;
    const reply = await bindingOf(process, endpoint).handle({
      ...bound(endpoint, request),
      ...(lastEventId === undefined ? {} : { lastEventId }),
      signal,
    });
    if (!("stream" in reply)) throw new Error(`${endpoint} is no stream`);
    return oneByOne(reply.stream);
  }

  /** As the gate does it, which a simulated daemon does not have. */
  async #authenticated(
    process: SimulatedProcess,
    bearer: string | undefined,
  ): Promise<Principal | undefined> {
    if (bearer === undefined) return { id: "client", access: "admin" };
    const looked = this.#parts.beforeToken();
    const grant = await process.daemon.namedTokens.authenticate(bearer);
    const isAccepted = grant !== undefined && grant !== "expired";
    this.#parts.onToken(bearer, looked, isAccepted);
    return isAccepted ? { id: `token:${grant.name}`, access: "token", grant } : undefined;
  }

  async #handle(process: SimulatedProcess, endpoint: EndpointId, request: Request): Promise<Answer> {
    try {
      const principal = await this.#authenticated(process, request.bearer);
      if (principal === undefined) return { status: 401, code: "invalid_token", json: {} };
      const reply = await bindingOf(process, endpoint).handle({ ...bound(endpoint, request), principal });
      return {
        status: reply.status,
        code: undefined,
        json: ("json" in reply ? reply.json : {}) as JsonObject,
      };
    } catch (error) {
      const { prng, onIncident } = this.#parts;
      const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
      const random = { hex: () => String(prng.uint32()), unit: () => prng.unit() };
      const problem = new ProblemDesk(silent, random).problemFor(error);
      if (!isProblem(error) && problem.code === "internal_error") onIncident(process, endpoint, error);
      const { run_id: runId } = problem.extras;
      return {
        status: problem.status,
        code: problem.code,
        json: runId === undefined ? {} : { run_id: runId },
      };
    }
  }
}

function bindingOf(process: SimulatedProcess, endpoint: EndpointId) {
  const binding = process.daemon.bindings.find((one) => one.endpoint === endpoint);
  if (binding === undefined) throw new Error(`no binding for ${endpoint}`);
  return binding;
}

/** The request as the surface hands it on: validated, with its defaults. */
function bound(
  endpoint: EndpointId,
  { params = {}, query = {}, body, idempotencyKey }: Request,
): BoundRequest {
  const { body: schema } = endpoints[endpoint] as { body?: { parse: (value: unknown) => unknown } };
  return {
    params,
    query,
    body: body === undefined ? undefined : schema?.parse(body),
    principal: { id: "client", access: "admin" },
    requestId: "req_client",
    signal: new AbortController().signal,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  } as unknown as BoundRequest;
}

async function* oneByOne(batches: AsyncIterable<readonly SseFrame[]>): AsyncGenerator<SseFrame> {
  for await (const frames of batches) yield* frames;
}
