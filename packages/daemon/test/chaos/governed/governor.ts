import { setTimeout as delay } from "node:timers/promises";
import type { Dice } from "../dice.ts";
import { Operator } from "../operated/operator.ts";

/** From then on it must not be used any more; until then, when it comes back. */
export interface Barred {
  fromMs: number;
  untilMs: number;
}

export const SLOT = "governed.key";
const PAUSE_MS: [number, number] = [5, 60];
const LEAST_ROUNDS = 3;
const MASTER_KEYS = 3;

/**
 * Rotates, rekeys, revokes and gives back while runs work and daemons die; remembers since when what was acknowledged
 * holds. Nothing it does may make a run fail, but for the revoked session's own.
 */
export class Governor {
  /** By session. */
  readonly revoked = new Map<string, Barred[]>();
  /** By key. */
  readonly replaced = new Map<string, Barred>();
  rotations = 0;
  rekeys = 0;
  revocations = 0;
  tokensRevoked = 0;
  /** Tokens that were let in after they had been revoked. */
  tokensUsed = 0;
  readonly #admin: Operator;
  readonly #baseUrl: string;
  readonly #dice: Dice;
  #key: string;
  #masterKey = 0;

  constructor(baseUrl: string, admin: Operator, dice: Dice, firstKey: string) {
    this.#baseUrl = baseUrl;
    this.#admin = admin;
    this.#dice = dice;
    this.#key = firstKey;
  }

  /** Until there is no more load and everything was done; each session has its credential back then. */
  async govern(sessions: readonly string[], isOver: () => boolean): Promise<void> {
    for (let round = 0; !isOver() || round < LEAST_ROUNDS; round++) {
      await this.#rotate();
      await delay(this.#dice.between(...PAUSE_MS));
      await this.#revoke(sessions[round % sessions.length] ?? "");
      await this.#token(`t${round}`);
      if (round % 2 === 0) await this.#rekey();
    }
  }

  async #rotate(): Promise<void> {
    const before = this.#key;
    this.#key = `governed-key-${this.rotations + 1}`;
    await this.put(this.#key);
    this.replaced.set(before, { fromMs: performance.now(), untilMs: Number.POSITIVE_INFINITY });
    this.rotations += 1;
  }

  async put(value: string): Promise<void> {
    const body = { slot_id: SLOT, provider: "generic", mode: "opaque_secret", state: { value } };
    await this.#must("POST", "/v1/runtime/secrets", body);
  }

  /** The first key of all is what each process is started with; the store leads from there to the newest one. */
  async #rekey(): Promise<void> {
    this.#masterKey = (this.#masterKey + 1) % MASTER_KEYS;
    const new_key = Buffer.alloc(32, 10 + this.#masterKey).toString("base64");
    const { status } = await this.#admin.ask("POST", "/v1/runtime/secrets/rekey", { new_key });
    // A request that was carried out while its answer got lost changes nothing when it is sent again.
    if (status !== 200 && status !== 409) throw new Error(`a change of the master key is answered ${status}`);
    this.rekeys += 1;
  }

  async #revoke(session: string): Promise<void> {
    const path = `/v1/runtime/auth/subjects/session:${session}`;
    await this.#must("POST", `${path}/revoke`, {});
    const barred = { fromMs: performance.now(), untilMs: Number.POSITIVE_INFINITY };
    this.revoked.set(session, [...(this.revoked.get(session) ?? []), barred]);
    this.revocations += 1;
    await delay(this.#dice.between(...PAUSE_MS));
    barred.untilMs = performance.now();
    await this.#must("POST", `${path}/reinstate`, { reason: "chaos" });
  }

  /** One that is lost with its answer is nobody's. */
  async #token(name: string): Promise<void> {
    const body = { name, verbs: ["read"], resources: ["status"] };
    const made = await this.#admin.once("POST", "/v1/runtime/tokens", body);
    if (made?.status !== 201) return;
    const { token_id, secret } = made.body as { token_id: string; secret: string };
    const holder = new Operator(this.#baseUrl, secret);
    const { status } = await holder.ask("GET", "/v1/status");
    if (status !== 200) throw new Error(`a token that lives is answered ${status}`);
    // Repeated when its answer got lost: then there is nothing left to revoke.
    await this.#admin.ask("DELETE", `/v1/runtime/tokens/${token_id}`);
    this.tokensRevoked += 1;
    if ((await holder.ask("GET", "/v1/status")).status !== 401) this.tokensUsed += 1;
  }

  async #must(method: string, path: string, body: object): Promise<void> {
    const { status, body: answer } = await this.#admin.ask(method, path, body);
    if (status !== 200) throw new Error(`${method} ${path} is answered ${status}: ${JSON.stringify(answer)}`);
  }
}
