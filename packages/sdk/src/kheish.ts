import { createApi } from "./endpoints/api.ts";
import type { Api } from "./endpoints/types.ts";
import { theMachine } from "./machine.ts";
import { type KheishOptions, type Settings, settingsOf } from "./options.ts";
import { type RawRequest, rawBody, rawRequest } from "./raw.ts";
import { Events } from "./resources/events.ts";
import { Responses } from "./resources/responses.ts";
import { Approvals, Questions, Runs } from "./resources/runs.ts";
import { Sessions } from "./resources/sessions.ts";
import type { Answer } from "./transport/send.ts";

/**
 * A client of a Kheish daemon.
 *
 * ```ts
 * const kheish = Kheish.fromEnv();
 * const run = await kheish.responses.create({ session: "tour", prompt: "What is in this workspace?" });
 * const { output_text } = await run.wait({ raiseOnFailure: true });
 * ```
 */
export class Kheish {
  /** Every endpoint of the daemon, as the contract has it; the resources below are the comfortable way to most. */
  readonly api: Api;
  readonly responses: Responses;
  readonly sessions: Sessions;
  readonly runs: Runs;
  readonly approvals: Approvals;
  readonly questions: Questions;
  readonly events: Events;
  readonly #settings: Settings;

  /**
   * Whatever the options leave open is taken from the environment, where there is one, or has a default.
   * `machine` is what a test may put below it.
   */
  constructor(options: KheishOptions = {}, machine = theMachine) {
    const settings = settingsOf(options, machine);
    this.#settings = settings;
    this.api = createApi(settings);
    const connection = { api: this.api, settings };
    this.responses = new Responses(connection);
    this.sessions = new Sessions(connection, this.responses);
    this.runs = new Runs(connection);
    this.approvals = new Approvals(this.runs);
    this.questions = new Questions(connection);
    this.events = new Events(connection);
  }

  /** The daemon that `KHEISH_BASE_URL` and `KHEISH_TOKEN` name (05-R93, 05-R95). */
  static fromEnv(options: KheishOptions = {}): Kheish {
    return new Kheish(options);
  }

  get baseUrl(): string {
    return this.#settings.baseUrl;
  }

  /** Any request; see `RawRequest`. */
  raw(request: RawRequest): Promise<Answer> {
    return rawRequest(this.#settings, request);
  }

  /** Any request whose answer is not text; its body is yours to read. */
  rawBody(request: RawRequest): Promise<Response> {
    return rawBody(this.#settings, request);
  }
}
