import type { JsonObject } from "@kheish/contract";
import type { Changer } from "../../engine/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Op, Store } from "../../kernel/store.ts";
import type { AuditLedger } from "../audit/index.ts";
import { AUTH_STREAM } from "../secrets/vault.ts";

const KIND = "auth_subject";
const PAGE = 500;
const MAX_ATTEMPTS = 100;

/** What outlives a subject's leases. Written by a revocation only: who was never revoked has no record. */
export type StoredSubject = {
  epoch: number;
  revoked: boolean;
  /** The last change: when, by whom, and why. */
  at_ms: number;
  by: string;
  reason?: string;
};

export interface SubjectsDeps {
  store: Store;
  audit: Pick<AuditLedger, "commitAdmin">;
  clock: Clock;
}

/** Revoked and reinstated subjects; durable, audited, and known here without asking the store. */
export class Subjects {
  readonly #store: Store;
  readonly #audit: SubjectsDeps["audit"];
  readonly #clock: Clock;
  readonly #known = new Map<string, StoredSubject>();

  constructor({ store, audit, clock }: SubjectsDeps) {
    this.#store = store;
    this.#audit = audit;
    this.#clock = clock;
  }

  async start(): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const query = { index: "id", limit: PAGE, ...(after === undefined ? {} : { after }) };
      const page = await this.#store.list<StoredSubject>(KIND, query);
      for (const { id, data } of page) this.#known.set(id, data);
      after = page.at(-1)?.cursor;
      if (page.length < PAGE) return;
    }
  }

  epochOf(subjectId: string): number {
    return this.#known.get(subjectId)?.epoch ?? 0;
  }

  isRevoked(subjectId: string): boolean {
    return this.#known.get(subjectId)?.revoked ?? false;
  }

  has(subjectId: string): boolean {
    return this.#known.has(subjectId);
  }

  /** As it is in the store now; another daemon may have changed it. */
  async refresh(subjectId: string): Promise<void> {
    const stored = await this.#store.get<StoredSubject>(KIND, subjectId);
    if (stored === undefined) this.#known.delete(subjectId);
    else this.#known.set(subjectId, stored.data);
  }

  /** 02-R67: a new epoch ends every lease of the old one, also those that nobody here knows of. */
  revoke(subjectId: string, by: Changer): Promise<void> {
    return this.#change(subjectId, "subject_revoked", by, (epoch) => ({
      epoch: epoch + 1,
      revoked: true,
    }));
  }

  /** A revocation that an older version had written; one that is known here already stays as it is. */
  async adopt(subjectId: string, epoch: number, by: string): Promise<boolean> {
    if (this.#known.has(subjectId)) return false;
    await this.#change(subjectId, "subject_revoked", { principal: by }, () => ({ epoch, revoked: true }));
    return true;
  }

  /** 02-A2. Leases of before the revocation stay ended: the epoch does not go back. */
  reinstate(subjectId: string, by: Changer): Promise<void> {
    return this.#change(subjectId, "subject_reinstated", by, (epoch) => ({ epoch, revoked: false }));
  }

  async #change(
    subjectId: string,
    type: "subject_revoked" | "subject_reinstated",
    by: Changer,
    next: (epoch: number) => Pick<StoredSubject, "epoch" | "revoked">,
  ): Promise<void> {
    const { principal, reason } = by;
    const why = reason === undefined ? {} : { reason };
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const before = await this.#store.get<StoredSubject>(KIND, subjectId);
      const at_ms = this.#clock.now();
      const data: StoredSubject = { ...next(before?.data.epoch ?? 0), at_ms, by: principal, ...why };
      const { epoch, revoked } = data;
      const event: JsonObject = { subject_id: subjectId, actor: principal, epoch, ...why };
      const ops: Op[] = [
        {
          op: "put",
          kind: KIND,
          id: subjectId,
          data,
          keys: { id: [subjectId] },
          expectedRevision: before?.revision ?? 0,
        },
        { op: "append", stream: AUTH_STREAM, events: [{ type, atMs: at_ms, data: event }] },
      ];
      const result = await this.#audit.commitAdmin(ops, {
        ...by,
        target: `auth/subjects/${subjectId}`,
        change: { [revoked ? "revoked" : "reinstated"]: subjectId, epoch },
        ...(revoked ? { withdraws: true as const } : {}),
      });
      if (!result.ok) continue;
      this.#known.set(subjectId, data);
      return;
    }
    throw new Error(`a change of subject '${subjectId}' was refused ${MAX_ATTEMPTS} times`);
  }
}
