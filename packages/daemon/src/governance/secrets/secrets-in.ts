import type { AuthSlotRecord } from "@kheish/contract";

const SENSITIVE = new Set(["value", "api_key", "access_token", "refresh_token", "client_secret"]);

/** The secret strings of a slot (02-R93): what an operator may see of it is not among them. */
export function secretsIn({ state }: AuthSlotRecord): string[] {
  return Object.entries(state).flatMap(([name, value]) =>
    SENSITIVE.has(name) && typeof value === "string" ? [value] : [],
  );
}
