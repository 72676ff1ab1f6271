import {
  type AuthSubjectStatus,
  type CredentialAudience,
  type CredentialLeaseStatus,
  type CredentialScope,
  type JsonObject,
  problem,
} from "@kheish/contract";
import {
  type Changer,
  isConnectorCredentialAllowed,
  isMcpServerAllowed,
  normalizeScope,
  routeAllowed,
} from "../../engine/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { AppendOp, Store, StoredEvent } from "../../kernel/store.ts";
import type { AuditLedger } from "../audit/index.ts";
import { AUTH_STREAM, type OpenSlot, type Vault } from "../secrets/vault.ts";
import { type Lease, Leases, usesSlot } from "./leases.ts";
import { Subjects } from "./subjects.ts";

export interface BrokerDeps {
  store: Store;
  audit: Pick<AuditLedger, "commitAdmin">;
  clock: Clock;
  vault: Vault;
}

export interface LeaseRequest {
  subject_id: string;
  audience: Exclude<CredentialAudience, { type: "connector" }>;
  /** Of the execution that asks; absent: nothing is narrowed. */
  scope: CredentialScope | undefined;
}

/** Why somebody gets no credential; the message is for people and names the way out. */
export interface Denied {
  ok: false;
  code: "slot_missing" | "slot_disabled" | "scope_denied" | "subject_revoked";
  message: string;
}
export type Leased = { ok: true; lease: Lease; slot: OpenSlot } | Denied;

const SESSION_PREFIX = "session:";

/** 02-R63, as far as there are executions: a session acts for itself. */
export function sessionSubject(sessionId: string): string {
  return `${SESSION_PREFIX}${sessionId}`;
}

/**
 * Who may use which secret, for what, until when. Nobody holds a credential: each use asks again, in the order of
 * 02-R64, and is checked once more right before it leaves.
 *
 * B1 what is revoked is durable before the answer; it stops every use that has not left yet
 * B2 a revocation by another daemon holds from the next lease on: that one asks the store, not memory
 */
export class Broker {
  readonly #deps: BrokerDeps;
  readonly #subjects: Subjects;
  readonly #leases = new Leases();

  constructor(deps: BrokerDeps) {
    this.#deps = deps;
    this.#subjects = new Subjects(deps);
    deps.vault.onChange((slotId, event) => {
      // 02-R51: a lease is for the secret that it was given for.
      if (event !== "enabled" && event !== "refreshed") this.#endLeasesOf(slotId);
    });
  }

  async start(): Promise<void> {
    await this.#subjects.start();
  }

  /** 02-R64. */
  async lease({ subject_id, audience, scope }: LeaseRequest): Promise<Leased> {
    const { vault, clock } = this.#deps;
    const { slot_id } = audience;
    const slot = await vault.open(slot_id);
    if (slot === undefined) return denied("slot_missing", `auth slot '${slot_id}' does not exist`);
    if (slot.status.disabled === true) return slotDisabled(slot_id, slot.status.disabled_reason);
    if (!allows(scope, audience))
      return denied("scope_denied", `the credential scope does not allow ${named(audience)}`);
    await this.#subjects.refresh(subject_id);
    if (this.#subjects.isRevoked(subject_id)) return subjectRevoked(subject_id);
    const epoch = this.#subjects.epochOf(subject_id);
    const narrowed = JSON.stringify(normalizeScope(scope ?? {}));
    return { ok: true, slot, lease: this.#leases.issue(subject_id, epoch, audience, narrowed, clock.now()) };
  }

  /** Why the lease may not be used any more; undefined while it may (02-R66). */
  endOf(lease: Lease): Denied | "lease_over" | undefined {
    const { vault, clock } = this.#deps;
    for (const slotId of slotsOf(lease)) {
      const status = vault.status(slotId);
      if (status?.disabled === true) return slotDisabled(slotId, status.disabled_reason);
    }
    if (this.#subjects.isRevoked(lease.subject_id)) return subjectRevoked(lease.subject_id);
    const isOld = this.#subjects.epochOf(lease.subject_id) > lease.subject_epoch;
    const isExpired = lease.expires_at_ms <= clock.now();
    return isOld || isExpired || this.#leases.isRevoked(lease.id) ? "lease_over" : undefined;
  }

  /** A request that had left when its credential was revoked has been answered (02-A3). */
  async recordLateResult(lease: Lease, why: string, context: JsonObject): Promise<void> {
    await this.#deps.store.commit([
      this.#event("result_after_revocation", {
        lease_id: lease.id,
        subject_id: lease.subject_id,
        slot_ids: [...slotsOf(lease)],
        why,
        ...context,
      }),
    ]);
  }

  async subject(subjectId: string): Promise<AuthSubjectStatus> {
    await this.#requireSubject(subjectId);
    return this.#subjectStatus(subjectId);
  }

  async revokeSubject(subjectId: string, by: Changer): Promise<AuthSubjectStatus> {
    await this.#requireSubject(subjectId);
    await this.#subjects.revoke(subjectId, by);
    this.#leases.revoke((lease) => lease.subject_id === subjectId, this.#deps.clock.now());
    return this.#subjectStatus(subjectId);
  }

  /** Takes over a revocation of an older version; false when the subject is known already. */
  adoptRevocation(subjectId: string, epoch: number, by: string): Promise<boolean> {
    return this.#subjects.adopt(subjectId, epoch, by);
  }

  async reinstateSubject(subjectId: string, by: Changer): Promise<AuthSubjectStatus> {
    await this.#requireSubject(subjectId);
    if (this.#subjects.isRevoked(subjectId)) await this.#subjects.reinstate(subjectId, by);
    return this.#subjectStatus(subjectId);
  }

  leaseStatus(leaseId: string): CredentialLeaseStatus {
    const found = this.#leases.get(leaseId, this.#deps.clock.now());
    if (found === undefined) {
      throw problem(
        "auth",
        "lease_not_found",
        `there is no lease '${leaseId}' here: it has expired, was never issued, or belongs to another daemon, where revoking its subject or disabling its slot ends it as well`,
      );
    }
    const { lease, revoked } = found;
    return { lease: { ...lease }, revoked, active: this.endOf(lease) === undefined };
  }

  async revokeLease(leaseId: string, by: Changer): Promise<CredentialLeaseStatus> {
    const { lease } = this.leaseStatus(leaseId);
    const told = { lease_id: leaseId, subject_id: lease.subject_id };
    await this.#withdraw("lease_revoked", { lease_id: leaseId }, by, `auth/leases/${leaseId}`, told);
    this.#leases.revoke((lease) => lease.id === leaseId, this.#deps.clock.now());
    return this.leaseStatus(leaseId);
  }

  /** 02-A3: ends the leases and nothing else; the next call gets a new one. Answers how many of this daemon's ended. */
  async revokeSlotLeases(slotId: string, by: Changer): Promise<number> {
    if ((await this.#deps.vault.get(slotId)) === undefined) {
      throw problem("runtime", "secret_not_found", `there is no slot '${slotId}'`);
    }
    const ended = this.#endLeasesOf(slotId);
    // Whoever follows the journal, this daemon too, ends what was issued in between.
    const told = { leases_revoked: slotId };
    await this.#withdraw("slot_leases_revoked", { slot_id: slotId }, by, `secrets/${slotId}`, told);
    return ended;
  }

  /** What another daemon, or this one, has written to the journal. Doing it twice is harmless. */
  async follow({ stream, type, data }: StoredEvent): Promise<void> {
    if (stream !== AUTH_STREAM) return;
    const { subject_id, slot_id } = data as { subject_id?: string; slot_id?: string };
    if (subject_id !== undefined && type.startsWith("subject_")) await this.#subjects.refresh(subject_id);
    if (slot_id !== undefined && type === "slot_leases_revoked") this.#endLeasesOf(slot_id);
  }

  #endLeasesOf(slotId: string): number {
    return this.#leases.revoke((lease) => usesSlot(lease, slotId), this.#deps.clock.now());
  }

  #subjectStatus(subjectId: string): AuthSubjectStatus {
    const active = this.#leases
      .of(subjectId, this.#deps.clock.now())
      .filter((lease) => this.endOf(lease) === undefined);
    const ids = (type: CredentialAudience["type"]) => {
      const found = active.filter(({ audience }) => audience.type === type).map(({ id }) => id);
      return found.length === 0 ? undefined : found.sort();
    };
    const [connector, route, mcp] = [ids("connector"), ids("route"), ids("mcp_server")];
    return {
      subject_id: subjectId,
      current_epoch: this.#subjects.epochOf(subjectId),
      revoked: this.#subjects.isRevoked(subjectId),
      ...(connector === undefined ? {} : { active_connector_lease_ids: connector }),
      ...(route === undefined ? {} : { active_route_lease_ids: route }),
      ...(mcp === undefined ? {} : { active_mcp_lease_ids: mcp }),
    };
  }

  /** A session can be revoked before it has used anything; a name that means nothing cannot (02-R67). */
  async #requireSubject(subjectId: string): Promise<void> {
    await this.#subjects.refresh(subjectId);
    if (subjectId === "daemon" || this.#subjects.has(subjectId)) return;
    if (this.#leases.of(subjectId, this.#deps.clock.now()).length > 0) return;
    const sessionId = subjectId.startsWith(SESSION_PREFIX)
      ? subjectId.slice(SESSION_PREFIX.length)
      : undefined;
    if (sessionId !== undefined && (await this.#deps.store.get("session", sessionId)) !== undefined) return;
    throw problem(
      "auth",
      "subject_not_found",
      `there is no subject '${subjectId}'; a session's is 'session:<session id>', the daemon's own is 'daemon'`,
    );
  }

  /** Somebody took authority away: in the journal, which other daemons read, and in the signed audit. */
  async #withdraw(
    type: string,
    data: JsonObject,
    by: Changer,
    target: string,
    change: JsonObject,
  ): Promise<void> {
    const { principal, reason } = by;
    const event = this.#event(type, {
      ...data,
      actor: principal,
      ...(reason === undefined ? {} : { reason }),
    });
    await this.#deps.audit.commitAdmin([event], { ...by, target, change, withdraws: true });
  }

  #event(type: string, data: JsonObject): AppendOp {
    return { op: "append", stream: AUTH_STREAM, events: [{ type, atMs: this.#deps.clock.now(), data }] };
  }
}

function slotsOf({ audience }: Lease): readonly string[] {
  return audience.type === "connector" ? audience.secret_refs : [audience.slot_id];
}

function allows(scope: CredentialScope = {}, audience: CredentialAudience): boolean {
  switch (audience.type) {
    case "route":
      return routeAllowed(normalizeScope(scope), audience.route_id);
    case "mcp_server":
      return isMcpServerAllowed(scope, audience.server);
    case "connector":
      return audience.env_keys.every((key) => isConnectorCredentialAllowed(scope, audience.connector, key));
  }
}

function named(audience: CredentialAudience): string {
  switch (audience.type) {
    case "route":
      return `route '${audience.route_id}'`;
    case "mcp_server":
      return `MCP server '${audience.server}'`;
    case "connector":
      return `connector '${audience.connector}'`;
  }
}

function denied(code: Denied["code"], message: string): Denied {
  return { ok: false, code, message };
}

function slotDisabled(slotId: string, reason: string | undefined): Denied {
  const why = reason === undefined ? "" : `: ${reason}`;
  return denied("slot_disabled", `auth slot '${slotId}' has been disabled${why}`);
}

function subjectRevoked(subjectId: string): Denied {
  return denied("subject_revoked", `subject '${subjectId}' has been revoked; an operator can reinstate it`);
}
