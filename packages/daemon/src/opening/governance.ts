import { ownerOf } from "../compose/world.ts";
import { isHeldCopy } from "../features/backup/index.ts";
import { Accounts } from "../governance/accounts/accounts.ts";
import { type Audit, auditedFetch } from "../governance/audit/index.ts";
import type { Credentials } from "../governance/credentials.ts";
import { systemClock } from "../kernel/clock.ts";
import { openAudit } from "./audit.ts";
import { createMasterKey, openCredentials } from "./credentials.ts";
import type { Ground } from "./ground.ts";
import { configuredFetch } from "./network.ts";

/** Who may do what, with which secrets, and what is on record of it. */
export interface Governance {
  audit: Audit;
  credentials: Credentials;
  accounts: Accounts;
  /** For the operator, when the daemon is ready. */
  warnings: readonly string[];
}

export async function openGovernance(ground: Ground): Promise<Governance> {
  const { options, env, store, log, redactor, stateRoot } = ground;
  const warnings: string[] = [];
  const audit = await openAudit({
    store,
    stateRoot: stateRoot.path,
    env,
    isHeldCopy: await isHeldCopy(store),
    releasesCopy: options.resumeRestored === true,
    log,
    warn: (message) => void warnings.push(message),
    redactor,
  });
  if (options.createMasterKey === true) await createMasterKey(stateRoot.path, env, store);
  const credentials = await openCredentials(
    { store, audit: audit.ledger },
    stateRoot.path,
    env,
    log,
    redactor,
  );
  const accounts = new Accounts({
    store,
    vault: credentials.vault,
    clock: systemClock,
    fetch: auditedFetch(audit.ledger, "token_refresh", configuredFetch()),
    log,
    owner: ownerOf(stateRoot.instanceId),
  });
  return { audit, credentials, accounts, warnings };
}
