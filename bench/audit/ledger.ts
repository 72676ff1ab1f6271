import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExternalAction } from "../../packages/daemon/src/engine/index.ts";
import { Audit, createSigner } from "../../packages/daemon/src/governance/audit/index.ts";
import { systemClock } from "../../packages/daemon/src/kernel/clock.ts";
import type { Log } from "../../packages/daemon/src/kernel/log.ts";
import { openSqliteStore } from "../../packages/daemon/src/kernel/sqlite/index.ts";
import type { Store } from "../../packages/daemon/src/kernel/store.ts";
import { JournalTail } from "../../packages/daemon/src/kernel/tail.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The ledger as the daemon has it, on an SQLite file of its own. */
export interface BenchLedger {
  directory: string;
  store: Store;
  audit: Audit;
  remove(): Promise<void>;
}

export async function benchLedger(): Promise<BenchLedger> {
  const directory = await mkdtemp(join(tmpdir(), "kheish-bench-audit-"));
  const store = await openSqliteStore({ path: join(directory, "kheish.db") });
  const tail = new JournalTail({ store, clock: systemClock, capacity: 64, onError: () => undefined });
  const keys = { signer: createSigner(Buffer.alloc(32, 1)) };
  const audit = new Audit({ store, clock: systemClock, log: silent, keys });
  await audit.begin({ holds: false });
  await tail.start();
  await audit.start(tail);
  return {
    directory,
    store,
    audit,
    async remove() {
      await audit.stop();
      tail.stop();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What a run writes: the outcome of one call and the request of the next. */
export function actionsOf(run: string, commit: number, records: number): ExternalAction[] {
  return Array.from({ length: records }, (_, index) => ({
    session_id: `s-${run}`,
    agent_id: `agent-${run}`,
    run_id: run,
    principal_id: "admin",
    tool_call_id: `call-${commit}-${index}`,
    phase: index === 0 ? "response" : "request",
    kind: "shell",
    target: "bash",
    request_digest: "ab".repeat(32),
  }));
}

export async function commitActions(
  { audit, store }: BenchLedger,
  actions: readonly ExternalAction[],
): Promise<void> {
  const sealed = await audit.ledger.seal(actions, systemClock.now());
  const result = await store.commit(sealed.ops);
  if (!result.ok) throw new Error(`refused: ${result.reason}`);
  sealed.landed();
}
