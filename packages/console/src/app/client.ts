import { Kheish, KheishProblem } from "@kheish/sdk";
import { useSyncExternalStore } from "react";

/**
 * Who is signed in. By itself the token stands in this page's memory and nowhere else: nothing that another page, an
 * extension's storage or a stolen disk could read; a reload asks for it again. Whoever wants to stay signed in has it
 * exchanged for a cookie that no script can read and a key that this browser keeps: one is nothing without the other.
 */
type SignedIn = { by: "nothing" } | { by: "token"; token: string } | { by: "key"; key: string };

const KEPT = "kheish-browser-session";
const KEY_HEADER = "x-kheish-browser-session";

let signedIn: SignedIn = kept();
let current = clientOf(signedIn);
const listeners = new Set<() => void>();

// Signed in or out in another tab.
addEventListener("storage", ({ key }) => {
  if (key === KEPT) become(kept());
});

function kept(): SignedIn {
  const key = localStorage.getItem(KEPT);
  return key === null ? { by: "nothing" } : { by: "key", key };
}

/** Clients of the daemon that served this page. */
function clientOf(who: SignedIn): Kheish {
  const baseUrl = location.origin;
  if (who.by === "token") return new Kheish({ baseUrl, token: who.token });
  if (who.by === "key") return new Kheish({ baseUrl, headers: { [KEY_HEADER]: who.key } });
  return new Kheish({ baseUrl });
}

function become(who: SignedIn): void {
  signedIn = who;
  current = clientOf(who);
  for (const listener of listeners) listener();
}

/** The client of whoever is signed in now. */
export function kheish(): Kheish {
  return current;
}

/** Throws what the daemon says to a token that it does not take. */
export async function signIn(token: string, { stay }: { stay: boolean }): Promise<void> {
  const client = clientOf({ by: "token", token });
  await client.api.whoami();
  if (!stay) return become({ by: "token", token });
  const { key } = await client.api.createBrowserSession();
  localStorage.setItem(KEPT, key);
  become({ by: "key", key });
}

/** Also where the daemon has ended the session already; a daemon that is away is told when it is not. */
export async function signOut(): Promise<void> {
  if (signedIn.by === "key")
    await current.api.endBrowserSession().catch((error: unknown) => {
      if (!(error instanceof KheishProblem && error.status === 401)) throw error;
    });
  localStorage.removeItem(KEPT);
  become({ by: "nothing" });
}

/** Changes with whoever is signed in; empty where nobody is. */
export function useSignedInAs(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => (signedIn.by === "nothing" ? "" : signedIn.by === "key" ? signedIn.key : signedIn.token),
  );
}
