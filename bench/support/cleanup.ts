import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const undos = new Set<() => void>();

/** Runs `undo` when this process ends, also by Ctrl-C; the answer takes that back. */
export function atExit(undo: () => void): () => void {
  undos.add(undo);
  return () => undos.delete(undo);
}

/** A folder that does not outlive this process. */
export function temporaryFolder(name: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `kheish-bench-${name}-`));
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  const forget = atExit(remove);
  return {
    path,
    remove() {
      forget();
      remove();
    },
  };
}

/** Newest first: processes are started in folders that were made before them. */
process.on("exit", () => {
  for (const undo of [...undos].reverse()) undo();
});
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => process.exit(code));
}
