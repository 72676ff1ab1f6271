import { testLedger } from "../../../src/governance/audit/testing.ts";
import { Credentials } from "../../../src/governance/credentials.ts";
import { Redactor } from "../../../src/governance/redaction/redactor.ts";
import type { Store } from "../../../src/kernel/store.ts";
import { MASTER_KEY } from "../world/provider.ts";
import { describe, type World } from "../world/world.ts";
import { checkAccount } from "./account-watch.ts";
import { ABSENT, type Facts } from "./facts.ts";

const MANY = 10_000;

/** What must hold of secrets and subjects when all has settled: as a daemon sees it that starts now. */
export async function checkCustody(world: World, facts: Facts): Promise<void> {
  const { store } = world;
  if (store === undefined || facts.custody.size === 0) return;
  const credentials = await opened(world, store);
  if (credentials === undefined) return;
  for (const [key, { acknowledged, unheard }] of facts.custody) {
    const [what = "", name = ""] = key.split(" ");
    const found = await stateOf(store, credentials, what, name);
    const isKnown = acknowledged === undefined || found === undefined || found === acknowledged;
    if (!isKnown && !unheard.has(found)) {
      world.violate("secrets", `${key} is '${found}', acknowledged was '${acknowledged}'`);
    }
  }
  if (world.plan.access?.account !== undefined) await checkAccount(world, credentials);
  const keyring = await store.get<{ current: string }>("auth_keyring", "keyring");
  for (const { id, data } of await store.list<{ sealed: { key_id: string } }>("auth_slot", {
    index: "id",
    limit: MANY,
  })) {
    if (data.sealed.key_id !== keyring?.data.current) {
      world.violate(
        "secrets",
        `slot ${id} is under ${data.sealed.key_id}, current is ${keyring?.data.current}`,
      );
    }
  }
}

async function opened(world: World, store: Store): Promise<Credentials | undefined> {
  const clock = { now: () => world.scheduler.now, schedule: () => ({ cancel: () => undefined }) };
  const prng = world.prng.fork("custody check");
  const random = {
    hex: (bytes: number) => Array.from({ length: bytes }, () => prng.int(16, 255).toString(16)).join(""),
    unit: () => prng.unit(),
  };
  // Only looked at: a start would bring to its end what a daemon should have.
  const readOnly = new Proxy(store, {
    get(target, member) {
      if (member === "commit")
        return () => Promise.reject(new Error("there was something left to be written"));
      const value = Reflect.get(target, member) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const audit = testLedger(readOnly, clock);
  const redactor = new Redactor();
  const credentials = new Credentials({
    store: readOnly,
    audit,
    clock,
    random,
    masterKey: MASTER_KEY,
    redactor,
  });
  try {
    await credentials.start();
    return credentials;
  } catch (error) {
    world.violate("secrets", `the auth store does not open: ${describe(error)}`);
    return undefined;
  }
}

/** Undefined where there is nothing to be said, such as of the use of a slot that does not exist. */
async function stateOf(
  store: Store,
  { vault }: Credentials,
  what: string,
  name: string,
): Promise<string | undefined> {
  if (what === "subject") {
    const subject = await store.get<{ revoked: boolean }>("auth_subject", name);
    return subject?.data.revoked === true ? "revoke" : "reinstate";
  }
  const slot = await vault.open(name);
  if (what === "use") return slot && (slot.status.disabled === true ? "disabled" : "enabled");
  if (slot === undefined) return ABSENT;
  const { state } = slot.record;
  if ("value" in state) return state.value;
  // Whoever is logged in, whatever tokens they have by now.
  const { subscription_type: login } = state as { subscription_type?: string };
  return login ?? "another kind of secret";
}
