import type { CreatedToken, CreateTokenRequest } from "@kheish/contract";
import { afterAll, beforeAll } from "vitest";
import { Client, problemIn } from "../http/support/client.ts";
import { ServedDaemon, type ServedOptions } from "../support/served.ts";

export const ADMIN = "the-admin-token";
export const READER = "the-read-only-token";

/** A daemon that asks for tokens, and callers who have one. */
export class GuardedDaemon {
  readonly daemon: ServedDaemon;
  #created = 0;

  private constructor(daemon: ServedDaemon) {
    this.daemon = daemon;
  }

  static async start(options: ServedOptions): Promise<GuardedDaemon> {
    const guarded = { httpAuthMode: "bearer", adminToken: ADMIN, readonlyToken: READER } as const;
    return new GuardedDaemon(await ServedDaemon.start({ ...guarded, ...options }));
  }

  /** A caller who presents this token. */
  as(secret: string): Client {
    return new Client(() => this.daemon.baseUrl, { authorization: `Bearer ${secret}` });
  }

  get admin(): Client {
    return this.as(ADMIN);
  }

  /** A new token under a name of its own, made by the admin. */
  async token(wanted: Partial<CreateTokenRequest>): Promise<CreatedToken> {
    this.#created += 1;
    const body = { name: `t${this.#created}`, verbs: ["read" as const], resources: ["*"], ...wanted };
    return this.admin.call("createToken", { body });
  }

  /** `200`, or the code of the refusal. */
  async outcome(secret: string, method: string, path: string, body?: unknown): Promise<string> {
    const headers = { "content-type": "application/json" };
    const init = body === undefined ? {} : { headers, body: JSON.stringify(body) };
    const reply = await this.as(secret).send(method, path, init);
    return reply.status < 400 ? String(reply.status) : problemIn(reply, path).code;
  }
}

/** One daemon for the tests of a file. */
export function useGuarded(options: () => Promise<ServedOptions>): () => GuardedDaemon {
  let guarded: GuardedDaemon | undefined;
  beforeAll(async () => {
    guarded = await GuardedDaemon.start(await options());
  });
  afterAll(() => guarded?.daemon.remove());
  return () => {
    if (guarded === undefined) throw new Error("the daemon has not been started");
    return guarded;
  };
}
