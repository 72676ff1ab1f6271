import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Audit, loadSigningKeys } from "../governance/audit/index.ts";
import type { Redactor } from "../governance/redaction/redactor.ts";
import { loadMasterKey } from "../governance/secrets/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { writeWholeFile } from "../kernel/durable-files.ts";
import { errnoOf } from "../kernel/errno.ts";
import type { Log } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import type { Store } from "../kernel/store.ts";
import { type Env, readText } from "./environment.ts";

export interface AuditParts {
  store: Store;
  stateRoot: string;
  env: Env;
  /** The store came out of a backup and may not act yet. */
  isHeldCopy: boolean;
  /** It may act from now on. */
  releasesCopy: boolean;
  log: Log;
  warn: (message: string) => void;
  /** Takes the key out of whatever is told. */
  redactor: Redactor;
}

/** The signed ledger, begun: what happens from here on can be recorded. */
export async function openAudit(parts: AuditParts): Promise<Audit> {
  const { store, stateRoot, env, isHeldCopy, log, warn, redactor } = parts;
  const keys = await loadSigningKeys({
    env,
    store,
    isHeldCopy,
    masterKey: await loadMasterKey(env, readText),
    keyFile: join(stateRoot, "audit-signing.key"),
    random: systemRandom,
    readFile: (path) =>
      readFile(path).catch((error: unknown) => {
        if (errnoOf(error) === "ENOENT") return undefined;
        throw error;
      }),
    writeFile: (path, content) => writeWholeFile(path, content, systemRandom),
    warn,
    holdSecrets: (keyId, texts) => redactor.hold(`audit-key:${keyId}`, texts),
  });
  const audit = new Audit({ store, clock: systemClock, log, keys });
  await audit.begin({ holds: isHeldCopy && !parts.releasesCopy });
  return audit;
}
