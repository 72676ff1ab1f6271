import { accountOf } from "@kheish/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { useVaults } from "../../src/governance/secrets/vault.fixture.ts";
import { type Clock, SimulatedClock, sleep } from "../../src/kernel/clock.ts";
import type { Store } from "../../src/kernel/store.ts";
import { around, killable } from "../support/around.ts";
import { pause } from "../support/wait.ts";
import { accountsOn, type Daemon, SLOT, use } from "./support.ts";

/** Refreshes under every order of events, against a provider that ends a login when a spent token comes back. */
const vaults = useVaults();
const LIFETIME_S = 20;
const STEP_MS = 500;
/** Turns of the event loop in which a daemon is done with what it can do now. */
const TURNS = 12;

type Answer = "ok" | "away" | "lost";

class StrictProvider {
  readonly #clock: Clock;
  /** Number of the refresh token that is in force; the one before is spent. */
  current = 0;
  isRevoked = false;
  /** Requests that living daemons wait for. */
  readonly waiting = new Set<string>();
  overlaps = 0;
  answers: { answer: Answer; afterMs: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isGood(token: string | undefined): boolean {
    return !this.isRevoked && token === `access-token-${this.current}`;
  }

  fetchFor(daemon: string): typeof fetch {
    return async (_url, init) => {
      const presented = new URLSearchParams(String(init?.body)).get("refresh_token");
      if (this.waiting.size > 0) this.overlaps += 1;
      this.waiting.add(daemon);
      try {
        const { answer, afterMs } = this.answers.shift() ?? { answer: "ok", afterMs: 0 };
        await sleep(this.#clock, afterMs);
        if (answer === "away") return new Response(null, { status: 503 });
        const isKnown = !this.isRevoked && presented === `refresh-token-${this.current}`;
        if (!isKnown) this.isRevoked = true;
        else this.current += 1;
        if (answer === "lost") throw new TypeError("the connection broke");
        return isKnown
          ? Response.json(this.#tokens())
          : Response.json({ error: "invalid_grant" }, { status: 400 });
      } finally {
        this.waiting.delete(daemon);
      }
    };
  }

  #tokens() {
    return {
      access_token: `access-token-${this.current}`,
      refresh_token: `refresh-token-${this.current}`,
      token_type: "bearer",
      expires_in: LIFETIME_S,
    };
  }
}

type Event =
  | { does: "use"; daemon: number }
  | { does: "pass"; steps: number }
  | { does: "fail"; daemon: number; commits: number }
  | { does: "switch"; to: "disabled" | "enabled" }
  /** A request of long ago is repeated: its answer got lost. */
  | { does: "put again"; daemon: number }
  | { does: "kill"; daemon: number };

const daemon = fc.integer({ min: 0, max: 1 });
const harmless = [
  { weight: 6, arbitrary: fc.record({ does: fc.constant("use" as const), daemon }) },
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant("pass" as const), steps: fc.integer({ min: 1, max: 30 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant("fail" as const),
      daemon,
      commits: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant("switch" as const),
      to: fc.constantFrom("disabled" as const, "enabled" as const),
    }),
  },
];
const repeated = [{ weight: 2, arbitrary: fc.record({ does: fc.constant("put again" as const), daemon }) }];
const deadly = [{ weight: 1, arbitrary: fc.record({ does: fc.constant("kill" as const), daemon }) }];
const answers = (...kinds: Answer[]) =>
  fc.array(fc.record({ answer: fc.constantFrom(...kinds), afterMs: fc.integer({ min: 0, max: 4_000 }) }));

interface Living extends Daemon {
  kill: () => void;
  failing: number;
}

async function play(events: readonly Event[], planned: { answer: Answer; afterMs: number }[]) {
  const { store } = await vaults.store();
  const clock = new SimulatedClock();
  const provider = new StrictProvider(clock);
  provider.answers = [...planned];
  const start = async (number: number): Promise<Living> => {
    const living = { failing: 0 };
    const { store: own, kill } = killable(failingWhile(store, () => living.failing-- > 0));
    const name = `daemon-${number}`;
    const opened = await accountsOn(own, name, clock, provider.fetchFor(name));
    return Object.assign(living, opened, {
      kill: () => {
        provider.waiting.delete(name);
        kill();
      },
    });
  };
  const daemons = [await start(0), await start(1)];
  const of = (number: number) => daemons[number] as Living;
  const pass = async (steps: number) => {
    for (let step = 0; step < steps; step++) {
      await clock.advance(STEP_MS);
      await pause(TURNS);
    }
  };
  const first = accountNow(clock);
  await of(0).vault.put(first, { actor: "test" });
  for (const event of events) {
    if (event.does === "pass") await pass(event.steps);
    if (event.does === "use") use(of(event.daemon)).catch(() => undefined);
    if (event.does === "fail") of(event.daemon).failing = event.commits;
    if (event.does === "switch") {
      const change = { actor: "test" };
      if (event.to === "disabled") await of(0).vault.disable(SLOT, "drill", change);
      else await of(0).vault.enable(SLOT, change);
    }
    if (event.does === "put again") await of(event.daemon).vault.put(first, { actor: "test" });
    if (event.does === "kill") {
      of(event.daemon).kill();
      daemons[event.daemon] = await start(event.daemon);
    }
    await pause(2);
  }

  // What is under way ends; then everybody who has something to write does, and the last token is over.
  provider.answers = [];
  for (const { vault } of daemons) await vault.enable(SLOT, { actor: "test" });
  for (const living of daemons) living.failing = 0;
  await pass(140);
  for (const living of daemons) {
    const using = use(living).catch(() => undefined);
    await pass(4);
    await using;
  }
  await pass((LIFETIME_S * 1_000) / STEP_MS);
  const used = use(of(0));
  await pass(4);
  const token = await used;
  const kept = accountOf((await of(1).vault.open(SLOT))?.record.state ?? { value: "" });
  return { provider, token, kept };
}

function failingWhile(inner: Store, fails: () => boolean): Store {
  return around(inner, {
    commit: async (ops, options) => {
      const isRefresh = ops.some(
        (op) => op.op === "append" && op.events.some(({ type }) => type === "slot_refreshed"),
      );
      if (isRefresh && fails()) throw new Error("the disk is gone");
      return inner.commit(ops, options);
    },
  });
}

function accountNow(clock: Clock) {
  const url = "https://provider.example";
  return {
    slot_id: SLOT,
    provider: "mcp_oauth" as const,
    mode: "oauth_account" as const,
    state: {
      kind: "mcp_o_auth_account" as const,
      server_name: "tracker",
      resource: `${url}/mcp`,
      issuer: url,
      authorization_endpoint: `${url}/auth`,
      token_endpoint: `${url}/token`,
      client_id: "client",
      access_token: "access-token-0",
      refresh_token: "refresh-token-0",
      expires_at_ms: clock.now() + LIFETIME_S * 1_000,
      scopes: [],
    },
  };
}

test("02-R57 A1 A2 A3 while daemons live and answers arrive, no order of events ends a login", async () => {
  const events = fc.array(fc.oneof(...harmless, ...repeated), { maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(events, answers("ok", "away"), async (history, planned) => {
      const { provider, token, kept } = await play(history, planned);
      expect(provider.overlaps).toBe(0);
      expect(provider.isRevoked).toBe(false);
      expect(provider.isGood(token)).toBe(true);
      expect(kept).toMatchObject({
        last_refresh_outcome: "ok",
        refresh_token: `refresh-token-${provider.current}`,
      });
    }),
    { numRuns: 60 },
  );
});

test("02-R57 A3 whatever is killed and lost, the slot ends with a good token or says that it needs a login", async () => {
  const events = fc.array(fc.oneof(...harmless, ...repeated, ...deadly), { maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(events, answers("ok", "away", "lost"), async (history, planned) => {
      const { provider, token, kept } = await play(history, planned);
      if (provider.isRevoked) {
        expect(token).toBe("login_required");
        expect(kept).toMatchObject({ last_refresh_outcome: "login_required" });
      } else {
        expect(provider.isGood(token)).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});
