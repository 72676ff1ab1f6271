import { createReadStream } from "node:fs";
import { verifyExport } from "../../packages/daemon/src/governance/audit/verify/verify.ts";

/** Verifies a file of so many records, with as many threads as the command uses. */
export async function verifyFile(path: string, records: number, everySignature: boolean): Promise<void> {
  const report = await verifyExport(createReadStream(path, { highWaterMark: 1 << 20 }), { everySignature });
  if (!report.ok || report.records !== records)
    throw new Error(`does not verify: ${report.findings[0]?.message}`);
}
