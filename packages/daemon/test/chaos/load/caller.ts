import { setTimeout as delay } from "node:timers/promises";

export interface Answer {
  status: number;
  body: unknown;
}

const ANSWER_WITHIN_MS = 10_000;
const AGAIN_AFTER_MS = 40;
const GIVE_UP_AFTER_MS = 180_000;

/**
 * A caller that does not know whether its request arrived sends it again, until the daemon says something about it.
 * What says nothing: a broken connection, silence, and "try again" (5xx).
 */
export class Caller {
  readonly #baseUrl: string;
  /** How often the daemon answered with which problem. */
  readonly problems = new Map<string, number>();
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  post(path: string, body: object, key?: string): Promise<Answer> {
    return this.#untilAnswered(path, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
      body: JSON.stringify(body),
    });
  }

  async get<T>(path: string): Promise<T> {
    const { status, body } = await this.#untilAnswered(path, {});
    if (status !== 200) throw new Error(`GET ${path} was answered with ${status}: ${JSON.stringify(body)}`);
    return body as T;
  }

  /** One request, made once. */
  async once(path: string, init: RequestInit = {}): Promise<Answer> {
    const answer = await fetch(this.#baseUrl + path, {
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      ...init,
    });
    const body: unknown = await answer.json();
    if (!answer.ok) this.#note(body);
    return { status: answer.status, body };
  }

  /** Resolves once somebody has been answered with this problem. */
  meets(code: string): Promise<void> {
    const waiting = this.#waiting.get(code) ?? Promise.withResolvers<void>();
    this.#waiting.set(code, waiting);
    return waiting.promise;
  }

  async #untilAnswered(path: string, init: RequestInit): Promise<Answer> {
    const deadline = performance.now() + GIVE_UP_AFTER_MS;
    while (performance.now() < deadline) {
      const answer = await this.once(path, init).catch(() => undefined);
      if (answer !== undefined && answer.status < 500) return answer;
      await delay(AGAIN_AFTER_MS);
    }
    throw new Error(`${path} was not answered for ${GIVE_UP_AFTER_MS / 1_000} s`);
  }

  #note(body: unknown): void {
    const { code } = body as { code?: string };
    if (code === undefined) return;
    this.problems.set(code, (this.problems.get(code) ?? 0) + 1);
    this.#waiting.get(code)?.resolve();
    this.#waiting.delete(code);
  }
}
