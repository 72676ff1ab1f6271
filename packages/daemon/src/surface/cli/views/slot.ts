import type {
  AuthSlotStatus,
  AuthSubjectStatus,
  CredentialLeaseStatus,
  RekeyView,
  RevokedAccount,
} from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { age } from "../output/time.ts";

export function slotTable(slots: readonly AuthSlotStatus[], style: Style): string {
  if (slots.length === 0) return "No slots.";
  return table(
    slots,
    [
      { title: "SLOT", value: (slot) => slot.slot_id, keep: true },
      { title: "PROVIDER", value: (slot) => slot.provider },
      { title: "HOLDS", value: (slot) => slot.summary },
      { title: "STATE", value: (slot) => slot.account_state ?? "" },
      { title: "UPDATED", value: (slot) => age(slot.updated_at_ms, style.now) },
      { title: "DISABLED", value: (slot) => (slot.disabled ? (slot.disabled_reason ?? "yes") : "") },
    ],
    style,
  );
}

export function slotDetail(slot: AuthSlotStatus, style: Style): string {
  const details = Object.entries(slot.details ?? {}).map(
    ([name, value]) => [name.replaceAll("_", " "), String(value)] as const,
  );
  return fields(
    [
      ["slot", slot.slot_id],
      ["provider", slot.provider],
      ["holds", slot.summary],
      ["account", slot.account_state],
      ...details,
      ["updated", age(slot.updated_at_ms, style.now)],
      ["disabled", slot.disabled === true ? (slot.disabled_reason ?? "yes") : undefined],
    ],
    style,
  );
}

export function subjectDetail(subject: AuthSubjectStatus, style: Style): string {
  return fields(
    [
      ["subject", subject.subject_id],
      ["epoch", subject.current_epoch],
      ["revoked", subject.revoked],
      ["route leases", subject.active_route_lease_ids?.join(" ")],
      ["connector leases", subject.active_connector_lease_ids?.join(" ")],
      ["MCP leases", subject.active_mcp_lease_ids?.join(" ")],
    ],
    style,
  );
}

export function leaseDetail({ lease, revoked, active }: CredentialLeaseStatus, style: Style): string {
  return fields(
    [
      ["lease", lease.id],
      ["subject", lease.subject_id],
      ["for", JSON.stringify(lease.audience)],
      ["issued", age(lease.issued_at_ms, style.now)],
      ["expires", age(lease.expires_at_ms, style.now)],
      ["revoked", revoked],
      ["active", active],
    ],
    style,
  );
}

/** The new key is shown once, to whoever had it generated: nobody can read it back. */
export function rekeyDetail(
  { key_id, reencrypted, new_key }: RekeyView & { new_key?: string },
  style: Style,
): string {
  const facts = fields(
    [
      ["key id", key_id],
      ["slots", reencrypted],
      ["new key", new_key],
    ],
    style,
  );
  return `${facts}\n\nGive the daemon the new key before its next start; from then on the old one opens nothing.`;
}

/** What is left to say of an account that is gone. */
export function revokedDetail(account: RevokedAccount, style: Style): string {
  const { slot_id, summary, provider_revocation } = account;
  return fields(
    [
      ["slot", slot_id],
      ["held", summary],
      ["at the provider", PROVIDER_REVOCATION[provider_revocation]],
    ],
    style,
  );
}

const PROVIDER_REVOCATION = {
  revoked: "revoked",
  failed: "not revoked: it could not be asked; end the session there",
  not_offered: "not revoked: it offers no revocation; end the session there",
} as const;
