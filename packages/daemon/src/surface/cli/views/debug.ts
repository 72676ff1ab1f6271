import type { RunDebugView } from "@kheish/contract";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { age } from "../output/time.ts";

export function debugTable({ run_id, level, artifacts, dropped = 0 }: RunDebugView, style: Style): string {
  if (level === "off") {
    return `Nothing was captured of ${run_id}. 'kheish runtime set-debug-level full' captures the runs that begin from then on.`;
  }
  const list = table(
    artifacts,
    [
      { title: "ARTIFACT", value: (one) => one.artifact_id, keep: true },
      { title: "BYTES", value: (one) => one.plaintext_bytes },
      { title: "CUT FROM", value: (one) => one.original_bytes },
      { title: "ENCRYPTED", value: (one) => (one.encrypted ? one.encryption_key_id : "") },
      { title: "CAPTURED", value: (one) => age(one.updated_at_ms, style.now) },
    ],
    style,
  );
  const gone = dropped === 0 ? "" : `\n\n${dropped} older artifacts gave way to these.`;
  return `Captured at level ${level}.\n\n${list}${gone}`;
}
