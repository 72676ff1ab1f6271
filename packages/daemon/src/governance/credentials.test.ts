import { describe, expect, it } from "vitest";
import { SimulatedClock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Store } from "../kernel/store.ts";
import { Accounts } from "./accounts/accounts.ts";
import { testLedger } from "./audit/testing.ts";
import { sessionSubject } from "./broker/broker.ts";
import { routeCredentials } from "./broker/route-credentials.ts";
import { Credentials } from "./credentials.ts";
import { REDACTED, Redactor } from "./redaction/redactor.ts";
import { keyNumber, openAiSlot, random, useVaults } from "./secrets/vault.fixture.ts";
import { AUTH_STREAM } from "./secrets/vault.ts";

const vaults = useVaults();
const by = { actor: "admin" };
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const request = {
  slot_id: "a",
  route_id: "main",
  driver: "openai",
  session_id: "s",
  run_id: "run-1",
  scope: undefined,
} as const;

/** None of these slots holds an account: nobody is ever asked for a token. */
function accountsOf({ vault }: Credentials, store: Store, clock: SimulatedClock): Accounts {
  const fetch = () => Promise.reject(new Error("nobody asks for tokens here"));
  return new Accounts({ store, vault, clock, fetch, log: silent, owner: "daemon-1" });
}

async function daemon(store: Store, key = keyNumber(1)) {
  const redactor = new Redactor();
  const clock = new SimulatedClock();
  const audit = testLedger(store, clock);
  const credentials = new Credentials({ store, audit, clock, random, masterKey: key, redactor });
  await credentials.start();
  let heard = (await store.readStream(AUTH_STREAM)).length;
  return {
    ...credentials,
    credentials,
    redactor,
    port: routeCredentials(credentials, accountsOf(credentials, store, clock), silent),
    /** Reads what others have written since it last did. */
    async listen() {
      const events = await store.readStream(AUTH_STREAM, { afterSeq: heard });
      heard += events.length;
      for (const event of events) await credentials.follow(event);
    },
  };
}

type Daemon = Awaited<ReturnType<typeof daemon>>;
const keyOf = async ({ port }: Daemon) => {
  const answer = await port.lease(request);
  return answer.ok ? answer.credential.secret.reveal() : answer.message;
};

describe("02, two daemons on one store", () => {
  it("a secret that one rotates is used by the other from its next call on, and known to its redactor", async () => {
    const { store } = await vaults.store();
    const one = await daemon(store);
    await one.vault.put(openAiSlot("a", "the-first-secret"), by);
    const other = await daemon(store);
    expect(await keyOf(other)).toBe("the-first-secret");
    await one.vault.put(openAiSlot("a", "the-second-secret"), by);
    expect(await keyOf(other)).toBe("the-second-secret");
    expect(other.redactor.text("the-first-secret the-second-secret")).toBe(`${REDACTED} ${REDACTED}`);
  });

  it("a slot that one disables, deletes or writes again is seen by the other once it has heard", async () => {
    const { store } = await vaults.store();
    const [one, other] = [await daemon(store), await daemon(store)];
    await one.vault.put(openAiSlot("a", "the-first-secret"), by);
    await other.listen();
    expect(other.port.status("a")).toMatchObject({ slot_id: "a" });
    await one.vault.disable("a", "leaked", by);
    await other.listen();
    expect(other.port.status("a")).toMatchObject({ disabled: true });
    await one.vault.delete("a", by);
    await one.vault.put(openAiSlot("a", "the-second-secret"), by);
    await other.listen();
    expect(other.port.status("a")).not.toHaveProperty("disabled");
    expect(other.redactor.text("the-second-secret")).toBe(REDACTED);
    await one.vault.delete("a", by);
    await other.listen();
    expect(other.port.status("a")).toBeUndefined();
  });

  it("leases of the other end with what one does to the slot or its leases, and its own news change nothing", async () => {
    const { store } = await vaults.store();
    const [one, other] = [await daemon(store), await daemon(store)];
    await one.vault.put(openAiSlot("a", "the-first-secret"), by);
    const leased = async () => {
      const answer = await other.port.lease(request);
      if (!answer.ok) throw new Error(answer.message);
      return answer.credential;
    };
    await other.listen();
    for (const act of [
      () => one.vault.put(openAiSlot("a", "the-next-secret"), by),
      () => one.broker.revokeSlotLeases("a", { principal: "admin" }),
      () => one.vault.disable("a", "leaked", by).then(() => one.vault.enable("a", by)),
    ]) {
      const credential = await leased();
      expect(credential.isActive()).toBe(true);
      await act();
      await other.listen();
      expect(credential.isActive()).toBe(false);
    }
    await other.vault.put(openAiSlot("b", "another-secret"), by);
    const credential = await leased();
    await other.listen();
    expect(credential.isActive()).toBe(true);
  });

  it("02, weakness 8: a daemon that runs with the old key follows a change of keys and a confirmation", async () => {
    const { store } = await vaults.store();
    const one = await daemon(store);
    await one.vault.put(openAiSlot("a", "the-first-secret"), by);
    const other = await daemon(store);
    await one.vault.rekey(keyNumber(2), by);
    await other.listen();
    await daemon(store, keyNumber(2));
    expect(await keyOf(other)).toBe("the-first-secret");
    await other.vault.put(openAiSlot("a", "the-second-secret"), by);
    expect(await keyOf(await daemon(store, keyNumber(2)))).toBe("the-second-secret");
  });
});

describe("02-A3: a request that was out when its credential was revoked", () => {
  it("is on record with its run, and one whose lease had merely run out is not", async () => {
    const { store } = await vaults.store();
    const one = await daemon(store);
    await one.vault.put(openAiSlot("a", "the-first-secret"), by);
    await store.commit([{ op: "put", kind: "session", id: "s", data: {}, keys: {} }]);
    const late = async (act: () => Promise<unknown>) => {
      const answer = await one.port.lease(request);
      if (!answer.ok) throw new Error(answer.message);
      await act();
      const before = (await store.readStream(AUTH_STREAM)).length;
      answer.credential.answered();
      await store.commit([]);
      return (await store.readStream(AUTH_STREAM, { afterSeq: before })).map(({ type, data }) => ({
        type,
        data,
      }));
    };
    expect(await late(() => one.vault.put(openAiSlot("a", "the-second-secret"), by))).toEqual([]);
    expect(
      await late(() => one.broker.revokeSubject(sessionSubject("s"), { principal: "admin", reason: "odd" })),
    ).toMatchObject([
      {
        type: "result_after_revocation",
        data: { subject_id: "session:s", why: "subject_revoked", run_id: "run-1", slot_ids: ["a"] },
      },
    ]);
  });
});

describe("02-R36: a slot that was written for another provider since the run was accepted", () => {
  it("sends nobody's key to somebody else's server", async () => {
    const { store } = await vaults.store();
    const one = await daemon(store);
    await one.vault.put({ ...openAiSlot("a", "sk-ant-of-another"), provider: "anthropic" }, by);
    expect(await keyOf(one)).toMatch(/holds a credential of 'anthropic'/);
  });
});
