import { setTimeout as delay } from "node:timers/promises";

const AGAIN_AFTER_MS = 40;
const ANSWER_WITHIN_MS = 10_000;
const GIVE_UP_AFTER_MS = 180_000;

export interface Answer {
  status: number;
  body: unknown;
}

/** Whoever holds a token of the control plane, and asks again until somebody says something about it. */
export class Operator {
  readonly #baseUrl: string;
  readonly #token: string;

  constructor(baseUrl: string, token: string) {
    this.#baseUrl = baseUrl;
    this.#token = token;
  }

  async ask(method: string, path: string, body?: object, key?: string): Promise<Answer> {
    const deadline = performance.now() + GIVE_UP_AFTER_MS;
    while (performance.now() < deadline) {
      const answer = await this.once(method, path, body, key);
      if (answer !== undefined && answer.status < 500) return answer;
      await delay(AGAIN_AFTER_MS);
    }
    throw new Error(`${method} ${path} was not answered for ${GIVE_UP_AFTER_MS / 1_000} s`);
  }

  /** Undefined when nobody knows what became of it. */
  async once(method: string, path: string, body?: object, key?: string): Promise<Answer | undefined> {
    try {
      const answer = await fetch(`${this.#baseUrl}${path}`, {
        method,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(key === undefined ? {} : { "idempotency-key": key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: await answer.json() };
    } catch {
      return undefined;
    }
  }
}
