import type { ExternalActionAuditRecord } from "@kheish/contract";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { timeOfDay } from "../output/time.ts";

const HASH_SHOWN = 12;

export function externalActionTable(records: readonly ExternalActionAuditRecord[], style: Style): string {
  if (records.length === 0) return "No external actions.";
  return table(
    records,
    [
      { title: "TIME", value: (record) => timeOfDay(record.timestamp_ms) },
      { title: "PHASE", value: (record) => record.phase, keep: true },
      { title: "KIND", value: (record) => record.kind, keep: true },
      { title: "TARGET", value: (record) => record.target },
      { title: "OUTCOME", value: (record) => record.outcome },
      { title: "CALL", value: (record) => record.tool_call_id },
      { title: "BY", value: (record) => record.principal_id },
      { title: "HASH", value: (record) => record.record_hash.slice(0, HASH_SHOWN) },
    ],
    style,
  );
}
