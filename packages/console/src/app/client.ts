import { Kheish } from "@kheish/sdk";
import { useSyncExternalStore } from "react";

/**
 * The operator's token. It stands in this page's memory and nowhere else: nothing that another page, an extension's
 * storage or a stolen disk could read. A reload asks for it again.
 */
let token = "";
const listeners = new Set<() => void>();

export function signIn(given: string): void {
  token = given;
  for (const listener of listeners) listener();
}

export function useSignedInAs(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => token,
  );
}

/** Clients of the daemon that served this page. */
const anonymous = new Kheish({ baseUrl: location.origin });
let current = anonymous;
let currentToken = "";

/** The client of whoever is signed in now. */
export function kheish(): Kheish {
  if (token !== currentToken) {
    current = token === "" ? anonymous : new Kheish({ baseUrl: location.origin, token });
    currentToken = token;
  }
  return current;
}
