import { z } from "zod";
import type { Log } from "../../kernel/log.ts";
import { type Vault, VaultError } from "../secrets/index.ts";
import type { Broker } from "./broker.ts";

/** Of the old state only what has to survive: its grants and leases have long expired. */
const BrokerState = z.object({
  subject_epochs: z.record(z.string(), z.int().nonnegative()).default({}),
  revoked_subjects: z.record(z.string(), z.unknown()).default({}),
  revoked_slots: z.record(z.string(), z.unknown()).default({}),
});

const BY = "daemon:import";

export interface BrokerImportDeps {
  vault: Vault;
  broker: Broker;
  /** Undefined when there is no such file. */
  readFile: (path: string) => Promise<string | undefined>;
  rename: (from: string, to: string) => Promise<void>;
  log: Log;
}

/**
 * Takes the revocations of an older version over, once, and moves its file aside: an upgrade must not give back what
 * somebody has taken away. A revoked slot, which was one that nobody could use, is disabled here (02-A2).
 */
export async function importBrokerState(path: string, deps: BrokerImportDeps): Promise<void> {
  const { vault, broker, log } = deps;
  // Slots can be disabled by a daemon with a master key only; until then the file is the record of it.
  const text = vault.isWritable ? await deps.readFile(path) : undefined;
  if (text === undefined) return;
  const state = parsed(text, path);
  let subjects = 0;
  for (const subjectId of Object.keys(state.revoked_subjects)) {
    if (await broker.adoptRevocation(subjectId, state.subject_epochs[subjectId] ?? 1, BY)) subjects += 1;
  }
  let slots = 0;
  for (const slotId of Object.keys(state.revoked_slots)) {
    const disabled = await vault.disable(slotId, "it was revoked before the upgrade", { actor: BY });
    if (disabled !== undefined) slots += 1;
  }
  const aside = `${path}.imported`;
  await deps.rename(path, aside);
  log.info({ path, aside, subjects, slots }, "the revocations of an older version are in the store now");
}

function parsed(text: string, path: string): z.infer<typeof BrokerState> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new VaultError(`${path} is not valid JSON`);
  }
  const state = BrokerState.safeParse(document);
  if (!state.success) throw new VaultError(`${path} is not a broker state file`);
  return state.data;
}
