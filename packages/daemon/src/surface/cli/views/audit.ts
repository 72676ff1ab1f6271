import type { AuditKeyRing } from "@kheish/contract";
import type { Finding, VerifyReport } from "../../../governance/audit/verify/report.ts";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";

export function keyRingTable({ current_key_id: current, keys }: AuditKeyRing, style: Style): string {
  return table(
    keys,
    [
      { title: "#", value: (key) => key.number },
      { title: "KEY", value: (key) => key.key_id, keep: true },
      { title: "SINCE", value: (key) => new Date(key.timestamp_ms).toISOString() },
      { title: "ORIGIN", value: (key) => key.origin },
      { title: "", value: (key) => (key.key_id === current ? "current" : undefined) },
    ],
    style,
  );
}

export function verifyText(report: VerifyReport, { colors }: Style): string {
  const { records, buckets, anchors, checkpoints, keys, signatures_checked: signatures, anchor } = report;
  const head = report.ok
    ? colors.green("The audit verifies.")
    : colors.red(`The audit does not verify: ${report.findings.length} findings.`);
  return [
    head,
    `${records} records in ${buckets} buckets, ${anchors} anchors, ${checkpoints} checkpoints, ${keys} keys; ${signatures} signatures checked.`,
    ...(anchor === undefined ? [] : [`Last anchor ${anchor.number}:${anchor.anchor_hash}`]),
    ...report.notes.map((note) => `${colors.yellow("Note:")} ${note}`),
    ...report.findings.map((finding) => findingLine(finding)),
  ].join("\n");
}

function findingLine({ line, code, message }: Finding): string {
  return `line ${line}: ${code}: ${message}`;
}
