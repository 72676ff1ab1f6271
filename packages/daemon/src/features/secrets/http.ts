import { problem, readAuthSlot } from "@kheish/contract";
import type { Changer } from "../../engine/index.ts";
import type { Broker } from "../../governance/broker/broker.ts";
import { type Change, parseMasterKey, type Vault, VaultError } from "../../governance/secrets/index.ts";
import { type Actor, type Binding, bind, changerOf, ok, param } from "../binding.ts";

/**
 * Slots, their leases, and those who hold them (02, HTTP). No answer ever holds a secret (02-R47).
 * `usersOf` names what refers to a slot as it runs now, in words for people.
 */
export function secretBindings(
  { vault, broker }: { vault: Vault; broker: Broker },
  usersOf: (slotId: string) => string[],
): Binding[] {
  return [
    bind("listSecrets", async () => ok(await vault.list())),
    bind("getSecret", async (request) => {
      const slotId = param(request, "ref");
      return ok(found(slotId, await vault.get(slotId)).status);
    }),
    bind("putSecret", async (request) => {
      const read = readAuthSlot(request.body);
      if (!read.ok) throw invalidSlot(read.errors);
      return ok((await vault.put(read.record, changeBy(request))).status);
    }),
    bind("deleteSecret", async (request) => {
      const slotId = param(request, "ref");
      const users = usersOf(slotId);
      if (users.length > 0) throw inUse(slotId, users);
      found(slotId, (await vault.delete(slotId, changeBy(request))) || undefined);
      return ok({ accepted: true });
    }),
    bind("rekeySecrets", async (request) =>
      ok({ ...(await vault.rekey(newKey(request.body.new_key), changeBy(request))) }),
    ),
    bind("revokeSlotLeases", async (request) => {
      const slot_id = param(request, "slot");
      return ok({ slot_id, revoked_leases: await broker.revokeSlotLeases(slot_id, revoker(request)) });
    }),
    bind("disableSlot", async (request) => {
      const slotId = param(request, "slot");
      return ok(found(slotId, await vault.disable(slotId, request.body.reason, changeBy(request))));
    }),
    bind("enableSlot", async (request) => {
      const slotId = param(request, "slot");
      return ok(found(slotId, await vault.enable(slotId, changeBy(request), request.body.reason)));
    }),
    bind("getSubject", async (request) => ok(await broker.subject(param(request, "subject_id")))),
    bind("revokeSubject", async (request) =>
      ok(await broker.revokeSubject(param(request, "subject_id"), revoker(request))),
    ),
    bind("reinstateSubject", async (request) =>
      ok(await broker.reinstateSubject(param(request, "subject_id"), revoker(request))),
    ),
    bind("getLease", async (request) => ok(broker.leaseStatus(param(request, "lease_id")))),
    bind("revokeLease", async (request) =>
      ok(await broker.revokeLease(param(request, "lease_id"), revoker(request))),
    ),
  ];
}

function changeBy({ principal, requestId }: Actor): Change {
  return { actor: principal.id, requestId };
}

/** Who revokes or reinstates, and why if they say so. */
function revoker(request: Actor & { body: { reason?: string | undefined } }): Changer {
  const { reason } = request.body;
  return { ...changerOf(request), ...(reason === undefined ? {} : { reason }) };
}

function found<T>(slotId: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw problem("runtime", "secret_not_found", `there is no slot '${slotId}'`);
}

function inUse(slotId: string, users: readonly string[]) {
  return problem(
    "runtime",
    "secret_in_use",
    `slot '${slotId}' is used by ${users.join(", ")}; remove that first, or disable the slot`,
  );
}

function invalidSlot(errors: readonly { path: (string | number)[]; message: string }[]) {
  const fields = errors.map(({ path, message }) => ({ path: `/${path.join("/")}`, message }));
  const [first] = fields;
  const detail = `the slot is not valid: ${first?.path ?? "/"}: ${first?.message ?? "unknown"}`;
  return problem("runtime", "secret_invalid", detail, { errors: fields });
}

function newKey(text: string) {
  try {
    return parseMasterKey(text, "new_key");
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    throw problem("runtime", "secret_invalid", error.message, {
      errors: [{ path: "/new_key", message: error.message }],
    });
  }
}
