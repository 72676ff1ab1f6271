import type { ModelOutcome, ModelRequest } from "../../../src/engine/index.ts";
import { unaudited } from "../../../src/governance/audit/testing.ts";
import { Credentials } from "../../../src/governance/credentials.ts";
import { Redactor } from "../../../src/governance/redaction/redactor.ts";
import { masterKeyOf } from "../../../src/governance/secrets/index.ts";
import type { Op, Store } from "../../../src/kernel/store.ts";
import type { CredentialPort } from "../../../src/model/index.ts";
import type { Plan } from "../plan/plan.ts";
import { hash } from "./prng.ts";

/** Every daemon is started with it, whatever the slots have been encrypted under since. */
export const MASTER_KEY = masterKeyOf(new Uint8Array(32).fill(7));
/** Where the provider's key is, in plans in which it asks for one. */
export const PROVIDER_SLOT = "provider";
export const FIRST_ROUTE = "simulator";
/** Two ways to the same answers. */
export const CHAINED = `
default_route = "${FIRST_ROUTE}"
[routes.${FIRST_ROUTE}]
driver = "simulator"
fallback = ["second"]
[routes.second]
driver = "simulator"
`;

/** Each of them ends only when somebody revokes, or replaces the secret, in the same instant. */
const MAX_LEASES = 5;

/** One that leaves. */
export interface ModelCall {
  session_id: string;
  run_id: string;
  route_id: string;
  /** What was said before its credential was asked for; absent where nobody asks for one. */
  looked?: number;
  /** What the model is shown; absent where it is asked for a summary. */
  prompt?: () => string;
}

export interface ProviderParts {
  credentials: CredentialPort;
  beforeLook: () => number;
  onDenied: (runId: string, why: string) => void;
  onCall: (call: ModelCall) => void;
  /** A dead process calls nobody. */
  isAlive: () => boolean;
}

/**
 * The way of a call to its provider: under a lease where the plan wants one, taken and looked at again as a driver does
 * it, and to a route that has no time at the moments that the plan says. The answers are the simulator's.
 */
export class Provider {
  readonly #plan: Plan;
  readonly #parts: ProviderParts;

  constructor(plan: Plan, parts: ProviderParts) {
    this.#plan = plan;
    this.#parts = parts;
  }

  async call(request: ModelRequest, send: () => Promise<ModelOutcome>): Promise<ModelOutcome> {
    const { leased = false } = this.#plan.access ?? {};
    if (!leased) return this.#send(request, undefined, send);
    for (let round = 1; round <= MAX_LEASES; round++) {
      const looked = this.#parts.beforeLook();
      const { session_id, run_id, credential_scope: scope } = request;
      const answer = await this.#parts.credentials.lease({
        slot_id: PROVIDER_SLOT,
        route_id: request.route.route_id,
        driver: "openai_compatible",
        session_id,
        run_id,
        scope,
      });
      if (!answer.ok) return this.#denied(request, answer.message);
      if (!answer.credential.isActive()) continue;
      const outcome = await this.#send(request, looked, send);
      answer.credential.answered();
      return outcome;
    }
    return this.#denied(request, "the credential is replaced faster than it can be used");
  }

  #denied({ run_id }: ModelRequest, message: string): ModelOutcome {
    if (this.#parts.isAlive()) this.#parts.onDenied(run_id, message);
    return { ok: false, error: { class: "auth", message, retryable: false } };
  }

  async #send(
    { session_id, run_id, turn, route, kind, messages }: ModelRequest,
    looked: number | undefined,
    send: () => Promise<ModelOutcome>,
  ): Promise<ModelOutcome> {
    const { route_id } = route;
    const call = {
      session_id,
      run_id,
      route_id,
      ...(looked === undefined ? {} : { looked }),
      ...(kind === "turn" ? { prompt: () => JSON.stringify(messages) } : {}),
    };
    if (this.#parts.isAlive()) this.#parts.onCall(call);
    const { overloaded = 0 } = this.#plan.access ?? {};
    if (route_id !== FIRST_ROUTE || hash(this.#plan.seed, `overloaded ${run_id} ${turn}`) % 100 >= overloaded)
      return send();
    return { ok: false, error: { class: "server_overloaded", message: "no time", retryable: false } };
  }
}

/** As an earlier daemon left it, long ago: every daemon finds the key at its start, and no word of it in the journal. */
export async function placeProviderKey(inner: Store, nowMs: number): Promise<void> {
  const store = new Proxy(inner, {
    get(target, member) {
      if (member === "commit") {
        return (ops: readonly Op[]) => target.commit(ops.filter(({ op }) => op !== "append"));
      }
      const value = Reflect.get(target, member) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const credentials = new Credentials({
    store,
    audit: unaudited(store),
    clock: { now: () => nowMs, schedule: () => ({ cancel: () => undefined }) },
    random: { hex: (bytes) => "5a".repeat(bytes), unit: () => 0.5 },
    masterKey: MASTER_KEY,
    redactor: new Redactor(),
  });
  await credentials.start();
  const state = { value: "the provider's first key" };
  const record = { slot_id: PROVIDER_SLOT, provider: "generic", mode: "opaque_secret", state } as const;
  await credentials.vault.put(record, { actor: "somebody" });
}
