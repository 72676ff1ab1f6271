import { type AuthSlotRecord, type ImportMcpAccountRequest, problem, readAuthSlot } from "@kheish/contract";
import type { z } from "zod";
import { type Binding, bind, ok, param } from "../binding.ts";
import type { AccountService } from "./service.ts";

export function accountBindings(accounts: AccountService): Binding[] {
  return [
    bind("listAccounts", async () => ok(await accounts.list())),
    bind("getAccount", async (request) => ok(await accounts.get(param(request, "slot")))),
    bind("importMcpAccount", async ({ body, principal }) =>
      ok(await accounts.import(recordOf(body), principal.id)),
    ),
    bind("importAccount", async ({ body, principal }) =>
      ok(await accounts.import(recordOf(body), principal.id)),
    ),
    bind("refreshAccount", async (request) =>
      ok(await accounts.refresh(param(request, "slot"), request.principal.id)),
    ),
    bind("revokeAccount", async (request) => {
      const { principal, body } = request;
      return ok(await accounts.revoke(param(request, "slot"), principal.id, body.reason));
    }),
    bind("deleteAccount", async (request) =>
      ok(await accounts.revoke(param(request, "slot"), request.principal.id)),
    ),
  ];
}

function recordOf({ slot_id, ...account }: z.output<typeof ImportMcpAccountRequest>): AuthSlotRecord {
  const given = Object.entries(account).filter(([, value]) => value !== undefined);
  const state = { kind: "mcp_o_auth_account", ...Object.fromEntries(given) };
  const read = readAuthSlot({ slot_id, provider: "mcp_oauth", mode: "oauth_account", state });
  if (read.ok) return read.record;
  throw invalid(read.errors);
}

/** In the fields of this body: there, the state of a slot is its top level. */
function invalid(errors: readonly { path: (string | number)[]; message: string }[]) {
  const fields = errors.map(({ path, message }) => ({
    path: `/${path.filter((part, index) => index > 0 || part !== "state").join("/")}`,
    message,
  }));
  const [first] = fields;
  const detail = `the account is not valid: ${first?.path ?? "/"}: ${first?.message ?? "unknown"}`;
  return problem("runtime", "secret_invalid", detail, { errors: fields });
}
