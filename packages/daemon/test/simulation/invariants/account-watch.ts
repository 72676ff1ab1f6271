import { accountOf } from "@kheish/contract";
import type { Credentials } from "../../../src/governance/credentials.ts";
import type { Login, Presentation } from "../world/authorization.ts";
import { PROVIDER_SLOT } from "../world/provider.ts";
import type { World } from "../world/world.ts";

/** The lease of a refresh lasts so long, by the clocks of those who want it. */
const LEASE_MS = 60_000;
/** Clocks that differ by no more read a lease alike while a request is under way. */
const ALIKE_MS = 5_000;

/** Refresh tokens as they come to their server, whoever sends them. */
export function watchAccounts(world: World): void {
  world.authorization.listener = {
    onPresented: (token, login, now, before) => {
      // Nobody but who put it there can say that it is old.
      if (world.authorization.mayBePutBack(login.name)) return world.mark("account: may be put back");
      if (isNeedless(world, login, token, now)) {
        world.violate("accounts", `${now.process.name} refreshes what ${login.name} has just been given`);
      }
      for (const earlier of before) {
        if (isExcused(earlier, now)) continue;
        if (earlier.ended === undefined)
          world.violate("accounts", `${now.process.name} and ${earlier.process.name} refresh at once`);
        if (earlier.ended === "told")
          world.violate("accounts", `${token} comes again from ${now.process.name}, and it was answered`);
      }
    },
    onRefresh: ({ name }, outcome) => {
      world.mark(`refresh: ${outcome}`);
      world.tell("authorization", () => `refresh of ${name}: ${outcome}`);
    },
  };
}

/** What lives shorter than ten minutes is refreshed in the second half of its life, by the clock that it was given under. */
function isNeedless(world: World, login: Login, token: string, { skewMs, atMs }: Presentation): boolean {
  const { refreshed, isAlive, refreshToken } = login;
  const { account } = world.plan.access ?? {};
  if (account === undefined || !isAlive || refreshToken !== token) return false;
  if (hasSteppedClocks(world) || refreshed?.skewMs !== skewMs) return false;
  // A life is counted from when it was asked for.
  return atMs - refreshed.atMs < account.lifetimeS * 500 - account.travelMs;
}

function hasSteppedClocks({ plan }: World): boolean {
  return plan.interventions.some(({ kind }) => kind === "step_clock");
}

/** Whoever died or was stopped since may have taken with it what it was told, and its lease ran out. */
function isExcused({ process, pauses, skewMs, atMs }: Presentation, now: Presentation): boolean {
  const isGone = !process.alive || process.draining || process.pauses !== pauses;
  const doubt = Math.abs(skewMs - now.skewMs) > ALIKE_MS;
  return isGone || doubt || now.atMs - atMs > LEASE_MS - ALIKE_MS;
}

/** A login is given up only when its provider has given it up. */
export function watchLoginDenial(world: World, why: string): void {
  if (!why.includes("needs a new login")) return;
  if ([...world.authorization.logins.values()].every(({ isAlive }) => isAlive))
    world.violate("accounts", `every login is good, and a run is told: ${why}`);
}

/** What is in the slot belongs together, and is what its provider gave last, unless somebody lost it on the way. */
export async function checkAccount(world: World, { vault }: Credentials): Promise<void> {
  const slot = await vault.open(PROVIDER_SLOT);
  const account = slot && accountOf(slot.record.state);
  if (account?.kind !== "claude_code_account") return;
  const { subscription_type: name = "", access_token, refresh_token } = account;
  const login = world.authorization.logins.get(name);
  if (login === undefined) return;
  for (const token of [access_token, refresh_token]) {
    if (!token.includes(` of ${name} `)) world.violate("accounts", `the slot of ${name} holds '${token}'`);
  }
  if (login.isAlive && account.last_refresh_outcome === "login_required")
    world.violate("accounts", `the login of ${name} is good, and the slot says that it is over`);
  if (!login.isAlive || world.authorization.mayHaveLost(name) || world.authorization.mayBePutBack(name))
    return;
  if (refresh_token !== login.refreshToken)
    world.violate("accounts", `the slot holds '${refresh_token}', the last is '${login.refreshToken}'`);
}
