import { open } from "node:fs/promises";
import { join } from "node:path";
import { actionsOf, benchLedger, commitActions } from "./ledger.ts";

const RUN_RECORDS = 100;
const AT_ONCE = 64;

/** An exported file of about so many records, in runs of a hundred. */
export async function fileOf(
  records: number,
): Promise<{ path: string; records: number; remove(): Promise<void> }> {
  const ledger = await benchLedger();
  const runs = Math.ceil(records / RUN_RECORDS);
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < runs) {
        const run = `run-${next++}`;
        for (let commit = 0; commit < RUN_RECORDS / 2; commit++)
          await commitActions(ledger, actionsOf(run, commit, 2));
      }
    }),
  );
  const path = join(ledger.directory, "audit.jsonl");
  const file = await open(path, "w");
  let cursor: string | null = null;
  do {
    const page: { lines: string[]; next_cursor: string | null } = await ledger.audit.exportPage(
      cursor === null ? {} : { cursor },
    );
    await file.writeFile(page.lines.map((line) => `${line}\n`).join(""));
    cursor = page.next_cursor;
  } while (cursor !== null);
  await file.close();
  return { path, records: runs * RUN_RECORDS, remove: () => ledger.remove() };
}
