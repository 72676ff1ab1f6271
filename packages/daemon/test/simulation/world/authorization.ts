import type { AuthSlotRecord } from "@kheish/contract";
import type { AccountPlan } from "../plan/plan.ts";
import type { Prng } from "./prng.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** One who logged in, and what they were given; a refresh token that comes twice betrays a theft and ends it all. */
export interface Login {
  name: string;
  isAlive: boolean;
  /** The one that is not spent. */
  refreshToken: string;
  /** When it was given, and under which clock; absent of the first one. */
  refreshed?: { skewMs: number; atMs: number };
  /** Access token -> when it is over. */
  accessTokens: Map<string, number>;
}

/** A daemon, as far as it shows in what it asks. */
interface Client extends Owner {
  /** How far its clock is from the true time. */
  readonly skewMs: number;
  /** Times that the machine did not let it run. */
  readonly pauses: number;
  readonly draining: boolean;
}

/** A refresh token as it came, and what became of the answer. */
export interface Presentation {
  process: Client;
  pauses: number;
  /** Of its process's clock, then. */
  skewMs: number;
  atMs: number;
  /** Until it is answered, or nobody knows how. `told`: its process has the new tokens. */
  ended: undefined | "told" | "refused" | "unheard";
}

export interface AuthorizationListener {
  /** Comes, and was not answered yet. */
  onPresented: (token: string, login: Login, now: Presentation, before: readonly Presentation[]) => void;
  onRefresh: (login: Login, outcome: "given" | "refused" | "busy" | "lost request" | "lost answer") => void;
}

/**
 * The authorization server of the provider's accounts: tokens that soon are over, refresh tokens that are good once, and a
 * network on which requests and answers get lost.
 */
export class Authorization {
  readonly logins = new Map<string, Login>();
  listener: AuthorizationListener = { onPresented: () => undefined, onRefresh: () => undefined };
  readonly #scheduler: Scheduler;
  readonly #prng: Prng;
  readonly #plan: AccountPlan | undefined;
  readonly #isCalm: () => boolean;
  readonly #presented = new Map<string, Presentation[]>();
  readonly #written: { name: string | undefined; isUnheard: boolean }[] = [];
  #issued = 0;

  constructor(parts: {
    scheduler: Scheduler;
    prng: Prng;
    plan: AccountPlan | undefined;
    /** Nothing goes wrong any more. */
    isCalm: () => boolean;
  }) {
    this.#scheduler = parts.scheduler;
    this.#prng = parts.prng;
    this.#plan = parts.plan;
    this.#isCalm = parts.isCalm;
  }

  /** A person has logged in; what goes to the slot. Once for each name. */
  logIn(name: string, slotId: string): AuthSlotRecord {
    const login: Login = { name, isAlive: true, refreshToken: "", accessTokens: new Map() };
    this.logins.set(name, login);
    const { access_token, expires_in } = this.#issue(login);
    return {
      slot_id: slotId,
      provider: "anthropic",
      mode: "oauth_account",
      state: {
        kind: "claude_code_account",
        credentials_path: "simulated",
        token_url: "https://authorization.example/token",
        client_id: "simulated",
        access_token,
        refresh_token: login.refreshToken,
        expires_at_ms: this.#scheduler.now + expires_in * 1_000,
        scopes: [],
        subscription_type: name,
      },
    };
  }

  /**
   * Somebody asks to have a login put into the slot, or, without a name, the slot deleted. Returns what is to be called
   * when nobody said whether it was done: it may still be.
   */
  written(name: string | undefined): () => void {
    const request = { name, isUnheard: false };
    this.#written.push(request);
    return () => {
      request.isUnheard = true;
    };
  }

  /** Whether an older state of this login may have been put back after another one, or after the slot was deleted. */
  mayBePutBack(name: string): boolean {
    const first = this.#written.findIndex((one) => one.name === name);
    return (
      this.#written.filter((one) => one.name === name).length > 1 &&
      this.#written.some((one, at) => one.name !== name && (at > first || one.isUnheard))
    );
  }

  /** The person or the provider ends a login: none of its tokens is good any more. */
  end(name: string): void {
    const login = this.logins.get(name);
    if (login !== undefined) login.isAlive = false;
  }

  /** Whether a provider takes this access token now. */
  takes(accessToken: string): boolean {
    for (const { isAlive, accessTokens } of this.logins.values()) {
      const overAtMs = accessTokens.get(accessToken);
      if (overAtMs !== undefined) return isAlive && overAtMs > this.#scheduler.now;
    }
    return false;
  }

  /** Whether tokens of this login were given that may have reached nobody, or died with whom they reached. */
  mayHaveLost(name: string): boolean {
    return [...this.#presented].some(
      ([token, all]) =>
        this.#isOf({ name }, token) &&
        all.some(
          ({ ended, process, pauses }) =>
            ended === undefined || ended === "unheard" || !process.alive || process.pauses !== pauses,
        ),
    );
  }

  /** How one daemon reaches it. */
  fetchOf(process: Client): typeof globalThis.fetch {
    return async (_url, init) => {
      const { refresh_token: token = "" } = JSON.parse(String(init?.body)) as { refresh_token?: string };
      const before = this.#presented.get(token) ?? [];
      const now: Presentation = {
        process,
        pauses: process.pauses,
        skewMs: process.skewMs,
        atMs: this.#scheduler.now,
        ended: undefined,
      };
      const login = [...this.logins.values()].find((one) => this.#isOf(one, token));
      if (login === undefined) throw new Error(`nobody was ever given ${token}`);
      this.listener.onPresented(token, login, now, before);
      this.#presented.set(token, [...before, now]);
      const { failing = 0, lost = 0 } = this.#isCalm() ? {} : (this.#plan ?? {});
      await this.#travel(process);
      if (this.#prng.chance(lost)) return this.#drop(login, now, "lost request");
      if (this.#prng.chance(failing)) {
        now.ended = "refused";
        this.listener.onRefresh(login, "busy");
        return json(503, { error: "temporarily_unavailable" });
      }
      if (!login.isAlive || login.refreshToken !== token) {
        login.isAlive = false;
        this.listener.onRefresh(login, "refused");
        await this.#travel(process);
        now.ended = "refused";
        return json(400, { error: "invalid_grant" });
      }
      const issued = this.#issue(login);
      login.refreshed = { skewMs: process.skewMs, atMs: this.#scheduler.now };
      const refresh_token = login.refreshToken;
      if (this.#prng.chance(lost)) return this.#drop(login, now, "lost answer");
      await this.#travel(process);
      now.ended = "told";
      this.listener.onRefresh(login, "given");
      return json(200, { token_type: "bearer", ...issued, refresh_token });
    };
  }

  #drop(login: Login, now: Presentation, what: "lost request" | "lost answer"): never {
    now.ended = "unheard";
    this.listener.onRefresh(login, what);
    throw new TypeError("fetch failed");
  }

  #travel(process: Client): Promise<void> {
    const slowest = this.#isCalm() ? 40 : (this.#plan?.travelMs ?? 40);
    return this.#scheduler.sleep(this.#prng.int(1, slowest), process, "token request");
  }

  #isOf({ name }: Pick<Login, "name">, token: string): boolean {
    return token.startsWith(`refresh of ${name} `);
  }

  #issue(login: Login): { access_token: string; expires_in: number } {
    this.#issued += 1;
    const access_token = `access of ${login.name} ${this.#issued}`;
    const expires_in = this.#plan?.lifetimeS ?? 3_600;
    login.refreshToken = `refresh of ${login.name} ${this.#issued}`;
    login.accessTokens.set(access_token, this.#scheduler.now + expires_in * 1_000);
    return { access_token, expires_in };
  }
}

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}
