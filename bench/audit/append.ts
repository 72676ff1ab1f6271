import type { Json } from "@kheish/contract";
import { actionsOf, type BenchLedger, benchLedger, commitActions } from "./ledger.ts";

export interface AppendSide {
  name: string;
  /** So many commits in all, by so many runs at a time, each its own bucket. */
  append(chains: number, commits: number, recordsPerCommit: number): Promise<void>;
  remove(): Promise<void>;
}

export async function appendSide(name: "signed" | "unsigned"): Promise<AppendSide> {
  const ledger = await benchLedger();
  const write = name === "signed" ? commitActions : commitPlainly;
  let round = 0;
  return {
    name,
    async append(chains, commits, recordsPerCommit) {
      round += 1;
      let left = commits;
      await Promise.all(
        Array.from({ length: chains }, async (_, chain) => {
          const run = `run-${round}-${chain}`;
          while (left > 0) {
            left -= 1;
            await write(ledger, actionsOf(run, left, recordsPerCommit));
          }
        }),
      );
    },
    remove: () => ledger.remove(),
  };
}

/** The same content in the same number of events, and nothing that could be verified. */
async function commitPlainly({ store }: BenchLedger, actions: ReturnType<typeof actionsOf>): Promise<void> {
  const data = { records: actions.map((action) => ({ ...action, hash: "0".repeat(64) })) } as unknown as Json;
  const stream = `plain/${actions[0]?.run_id}`;
  await store.commit([{ op: "append", stream, events: [{ type: "actions", atMs: 0, data }] }]);
}
