import type { AuditExportPage, AuditExportQuery, ExternalActionAuditRecord } from "@kheish/contract";
import {
  createSynchronousSigner,
  JournalCheck,
  type JournalReport,
} from "../../src/governance/audit/index.ts";
import type { VerifyReport } from "../../src/governance/audit/verify/report.ts";
import { type VerifyOptions, verifyExport } from "../../src/governance/audit/verify/verify.ts";
import type { Store } from "../../src/kernel/store.ts";
import type { RiggedDaemon } from "../support/rig.ts";

export const SIGNER = createSynchronousSigner(Buffer.alloc(32, 9));

export async function actionsOf(daemon: RiggedDaemon, runId: string): Promise<ExternalActionAuditRecord[]> {
  const { json } = await daemon.call("externalActions", { params: { run_id: runId } });
  return json as unknown as ExternalActionAuditRecord[];
}

/** The file as `audit export` writes it. */
export function exported(daemon: RiggedDaemon, selection: Record<string, unknown> = {}): Promise<string> {
  return exportedBy(async (query) => {
    const reply = await daemon.call("exportAudit", { query: query as Record<string, string> });
    return reply.json as unknown as AuditExportPage;
  }, selection);
}

export async function exportedBy(
  pageOf: (query: AuditExportQuery) => Promise<AuditExportPage>,
  selection: AuditExportQuery = {},
): Promise<string> {
  const lines: string[] = [];
  let cursor: string | null = null;
  do {
    const page: AuditExportPage = await pageOf({ ...selection, ...(cursor === null ? {} : { cursor }) });
    lines.push(...page.lines);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return lines.map((line) => `${line}\n`).join("");
}

export function verified(file: string | Uint8Array, options: VerifyOptions = {}): Promise<VerifyReport> {
  const bytes = Buffer.from(file as string);
  return verifyExport(
    (async function* () {
      yield bytes;
    })(),
    { threads: 1, ...options },
  );
}

/** What `restore --verify` says of the same journal in a backup. */
export async function journalReport(store: Store): Promise<JournalReport> {
  const check = new JournalCheck();
  for (let position = 0; ; ) {
    const page = await store.readAll({ afterPosition: position, limit: 500 });
    for (const event of page) check.add(event);
    if (page.length === 0) return check.finish();
    position = page.at(-1)?.position ?? position;
  }
}

/** What was found, in short. */
export function codesOf(report: VerifyReport): string[] {
  return report.findings.map(({ code }) => code);
}
