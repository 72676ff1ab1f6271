import type { Verb, WhoAmI } from "@kheish/contract";
import { type Binding, bind, ok, type Principal } from "../../features/binding.ts";

const EVERYTHING = ["*"];
const ALL: Verb[] = ["read", "write", "admin"];

/** Tells callers who they are, so that a client offers no more than they may do (08-R7). */
export function whoAmIBinding(isAuthEnabled: boolean): Binding {
  return bind("whoami", async ({ principal }) =>
    ok({
      principal: principal.id,
      auth: isAuthEnabled ? "token" : "off",
      ...mayDo(principal),
    } satisfies WhoAmI),
  );
}

function mayDo({ access, grant }: Principal): Omit<WhoAmI, "principal" | "auth"> {
  if (grant === undefined) return { verbs: access === "admin" ? ALL : ["read"], resources: EVERYTHING };
  const { tokenId, verbs, resources, expiresAtMs } = grant;
  return {
    verbs: [...verbs],
    resources: [...resources],
    token_id: tokenId,
    ...(expiresAtMs === undefined ? {} : { expires_at_ms: expiresAtMs }),
  };
}
