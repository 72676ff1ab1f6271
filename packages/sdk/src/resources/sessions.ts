import type {
  CreateSessionRequest,
  InterruptResponse,
  ModelGenerationConfig,
  ReplyTargetInput,
  SessionEventLog,
  SessionView,
  SessionViewSummary,
} from "@kheish/contract";
import { table } from "../endpoints/table.ts";
import type { CallOptions, Keyed } from "../endpoints/types.ts";
import { pathOf } from "../endpoints/url.ts";
import { EventStream } from "../stream/event-stream.ts";
import { Pages } from "./pages.ts";
import type { ResponseRequest, Responses } from "./responses.ts";
import { type RouteInput, routed } from "./route.ts";
import type { Connection, Run } from "./run.ts";
import { cursorOf, type StreamOptions } from "./stream-options.ts";

export interface SessionRequest
  extends Omit<CreateSessionRequest, "session_id" | "persona_id" | "idempotency_key">,
    Keyed,
    CallOptions {
  /** Default: an id of the daemon's. A known one is opened as it is. */
  session?: string | undefined;
  persona?: string | undefined;
  /** The route of the session's runs, where they name none. */
  route?: RouteInput | undefined;
  generation?: ModelGenerationConfig | undefined;
  /** Where the answers of the session's runs go, where they name no place. */
  reply_targets?: ReplyTargetInput[] | undefined;
}

export interface SessionStreamOptions extends StreamOptions {
  /** The present state first. */
  snapshot?: boolean | undefined;
}

/** A session of the daemon, seen from outside; `view` is what the handle last saw. */
export class Session {
  readonly id: string;
  readonly responses: { create(request: ResponseRequest): Promise<Run> };
  readonly #sessions: Sessions;
  #view: SessionView;

  constructor(sessions: Sessions, responses: Responses, view: SessionView) {
    this.id = view.session_id;
    this.responses = { create: (request) => responses.create({ ...request, session: this.id }) };
    this.#sessions = sessions;
    this.#view = view;
  }

  get view(): SessionView {
    return this.#view;
  }

  async refresh(options: CallOptions = {}): Promise<SessionView> {
    this.#view = (await this.#sessions.get(this.id, options)).view;
    return this.#view;
  }

  stream(options: SessionStreamOptions = {}): EventStream {
    return this.#sessions.stream(this.id, options);
  }
}

export class Sessions {
  readonly #connection: Connection;
  readonly #responses: Responses;

  constructor(connection: Connection, responses: Responses) {
    this.#connection = connection;
    this.#responses = responses;
  }

  /** Creates the session or opens the known one, then sets what was given of its defaults. */
  async create(request: SessionRequest = {}): Promise<Session> {
    const { session, persona, route, generation, reply_targets, ...rest } = request;
    const { idempotencyKey, signal, timeoutMs, maxRetries, headers, ...scopes } = rest;
    const options = { signal, timeoutMs, maxRetries, headers };
    const body = {
      ...scopes,
      ...(session !== undefined && { session_id: session }),
      ...(persona !== undefined && { persona_id: persona }),
    };
    let view = await this.#connection.api.createSession({ body, idempotencyKey, ...options });
    const params = { session_id: view.session_id };
    if (route !== undefined || generation !== undefined) {
      const route_policy = routed(route, generation);
      view = await this.#connection.api.putRoutePolicy({ params, body: { route_policy }, ...options });
    }
    if (reply_targets !== undefined)
      view = await this.#connection.api.putReplyTargets({ params, body: { reply_targets }, ...options });
    return this.#handle(view);
  }

  async get(sessionId: string, options: CallOptions = {}): Promise<Session> {
    return this.#handle(await this.#connection.api.getSession({ ...at(sessionId), ...options }));
  }

  list({ persona_id, ...options }: { persona_id?: string } & CallOptions = {}): Pages<SessionViewSummary> {
    return new Pages((page) =>
      this.#connection.api.listSessions({ query: { persona_id, ...page }, ...options }),
    );
  }

  /** What happens in the session; from now on, unless said otherwise. */
  stream(sessionId: string, options: SessionStreamOptions = {}): EventStream {
    const { cursor = "now", snapshot, ...rest } = options;
    const path = pathOf(table.sessionStream.path, { session_id: sessionId });
    const query = { cursor: cursorOf(cursor), snapshot };
    return new EventStream({ settings: this.#connection.settings, path, query, ...rest });
  }

  /** The session's journal and how its runs moved. */
  events(sessionId: string, options: CallOptions = {}): Promise<SessionEventLog> {
    return this.#connection.api.sessionEvents({ ...at(sessionId), ...options });
  }

  /** Stops the active run; with `clearQueue` also what waits behind it. */
  interrupt(
    sessionId: string,
    { clearQueue = false, ...options }: { clearQueue?: boolean } & CallOptions = {},
  ): Promise<InterruptResponse> {
    const query = clearQueue ? { clear_queue: true } : {};
    return this.#connection.api.interruptSession({ ...at(sessionId), query, ...options });
  }

  end(
    sessionId: string,
    { reason, ...options }: { reason?: string } & CallOptions = {},
  ): Promise<SessionView> {
    const body = { ...(reason !== undefined && { reason }) };
    return this.#connection.api.endSession({ ...at(sessionId), body, ...options });
  }

  setRoute(sessionId: string, route: RouteInput, options: CallOptions = {}): Promise<SessionView> {
    const body = { route_policy: routed(route, undefined) };
    return this.#connection.api.putRoutePolicy({ ...at(sessionId), body, ...options });
  }

  setReplyTargets(
    sessionId: string,
    reply_targets: ReplyTargetInput[],
    options: CallOptions = {},
  ): Promise<SessionView> {
    return this.#connection.api.putReplyTargets({ ...at(sessionId), body: { reply_targets }, ...options });
  }

  #handle(view: SessionView): Session {
    return new Session(this, this.#responses, view);
  }
}

function at(session_id: string): { params: { session_id: string } } {
  return { params: { session_id } };
}
