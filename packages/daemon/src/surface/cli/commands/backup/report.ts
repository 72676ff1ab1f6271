import type { BackupManifest } from "@kheish/contract";
import type { JournalReport } from "../../../../governance/audit/index.ts";
import { type Field, fields } from "../../output/fields.ts";
import type { Style } from "../../output/output.ts";
import { shellQuote } from "../../shell-quote.ts";

type Summary = Omit<BackupManifest, "entries">;

export interface BackupAnswer {
  file: string;
  size_bytes: number;
  sha256: string;
  manifest: Summary;
}

/** Of a root whose operator keeps it nowhere else. */
const AUDIT_KEY = "audit-signing.key";

export function backupReport({ file, size_bytes, sha256, manifest }: BackupAnswer, style: Style): string {
  const lines = fields(
    [["file", file], ["size", `${size_bytes} bytes`], ["sha256", sha256], ...summary(manifest)],
    style,
  );
  const leftOut = manifest.left_out.map(({ what, why }) => `  ${what}: ${why}`);
  return [lines, "", "Not in it, keep it elsewhere:", ...leftOut].join("\n");
}

interface Verified {
  file: string;
  manifest: Summary;
  audit: JournalReport;
}

export function verifyReport({ file, manifest, audit }: Verified, style: Style): string {
  const { records, buckets, anchors, key_id: key } = audit;
  const signed = key === undefined ? "" : `, signed last by key ${key}`;
  const verdict = audit.ok
    ? `Its audit verifies: ${records} records in ${buckets} buckets, ${anchors} anchors${signed}.`
    : style.colors.red("Its audit does not verify:");
  return [
    fields([["file", file], ...summary(manifest)], style),
    "",
    "The archive is whole.",
    verdict,
    ...audit.findings,
  ].join("\n");
}

export function restoreReport(
  { state_root, manifest }: { state_root: string; manifest: Summary },
  style: Style,
): string {
  const root = shellQuote(state_root);
  const isKeyLeftOut = manifest.left_out.some(({ what }) => what === AUDIT_KEY);
  return [
    fields([["state root", state_root], ...summary(manifest)], style),
    "",
    ...(isKeyLeftOut
      ? [
          `The key that signed its audit is not in it: put it back as ${root}/${AUDIT_KEY} before the copy is resumed.`,
          "Without it the copy then signs with a new one, and 'kheish audit keys' says so.",
          "",
        ]
      : []),
    "A daemon on this root shows everything and does nothing: its original may still be at work.",
    `When that is gone for good:  kheish serve --state-root ${root} --resume-restored`,
  ].join("\n");
}

function summary(manifest: Summary): Field[] {
  return [
    ["backup", manifest.backup_id],
    ["taken", new Date(manifest.created_at_ms).toISOString()],
    ["of", `${manifest.engine}, schema ${manifest.schema_version}, instance ${manifest.instance_id}`],
    ["events", manifest.rows.events],
    ["records", manifest.rows.records],
    ["blobs", manifest.blobs.count],
  ];
}
