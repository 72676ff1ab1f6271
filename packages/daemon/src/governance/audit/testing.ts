import type { AuditPort } from "../../engine/audit-port.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Store } from "../../kernel/store.ts";
import { createSynchronousSigner, Verifier } from "./keys/signer.ts";
import { AuditLedger } from "./ledger.ts";

/** A ledger with a key of its own, for tests of what writes to it. */
export function testLedger(store: Store, clock: Clock): AuditLedger {
  const signer = createSynchronousSigner(Buffer.alloc(32, 2));
  const keys = { verifier: new Verifier(), has: (keyId: string) => keyId === signer.keyId };
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  return new AuditLedger({ store, clock, signer, keys, log, lastAnchor: async () => undefined });
}

/** For tests of what is not about the audit: its changes land by themselves, as many at one time as there are. */
export function unaudited(store: Store): Pick<AuditPort, "commitAdmin"> {
  return { commitAdmin: (ops, _admin, options) => store.commit(ops, options) };
}
