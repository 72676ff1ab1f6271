import { problem, readAuthSlot } from "@kheish/contract";
import type { Broker } from "../../governance/broker/broker.ts";
import { parseMasterKey, type Vault, VaultError } from "../../governance/secrets/index.ts";
import { type Binding, bind, ok, param } from "../binding.ts";

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
    bind("putSecret", async ({ body, principal }) => {
      const read = readAuthSlot(body);
      if (!read.ok) throw invalidSlot(read.errors);
      return ok((await vault.put(read.record, { actor: principal.id })).status);
    }),
    bind("deleteSecret", async (request) => {
      const slotId = param(request, "ref");
      const users = usersOf(slotId);
      if (users.length > 0) throw inUse(slotId, users);
      found(slotId, (await vault.delete(slotId, { actor: request.principal.id })) || undefined);
      return ok({ accepted: true });
    }),
    bind("rekeySecrets", async ({ body, principal }) =>
      ok({ ...(await vault.rekey(newKey(body.new_key), { actor: principal.id })) }),
    ),
    bind("revokeSlotLeases", async (request) => {
      const slot_id = param(request, "slot");
      const { principal, body } = request;
      return ok({
        slot_id,
        revoked_leases: await broker.revokeSlotLeases(slot_id, principal.id, body.reason),
      });
    }),
    bind("disableSlot", async (request) => {
      const slotId = param(request, "slot");
      const change = { actor: request.principal.id };
      return ok(found(slotId, await vault.disable(slotId, request.body.reason, change)));
    }),
    bind("enableSlot", async (request) => {
      const slotId = param(request, "slot");
      return ok(
        found(slotId, await vault.enable(slotId, { actor: request.principal.id }, request.body.reason)),
      );
    }),
    bind("getSubject", async (request) => ok(await broker.subject(param(request, "subject_id")))),
    bind("revokeSubject", async (request) =>
      ok(await broker.revokeSubject(param(request, "subject_id"), request.principal.id, request.body.reason)),
    ),
    bind("reinstateSubject", async (request) =>
      ok(
        await broker.reinstateSubject(
          param(request, "subject_id"),
          request.principal.id,
          request.body.reason,
        ),
      ),
    ),
    bind("getLease", async (request) => ok(broker.leaseStatus(param(request, "lease_id")))),
    bind("revokeLease", async (request) =>
      ok(await broker.revokeLease(param(request, "lease_id"), request.principal.id, request.body.reason)),
    ),
  ];
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
