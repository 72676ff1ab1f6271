import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { resolve } from "node:path";
import type { AuditExportQuery } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { UsageError } from "../../errors.ts";
import { cannotWrite } from "../../file-failure.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { plainFields } from "../../output/fields.ts";
import { present } from "../../present.ts";

interface ExportFlags {
  out: string;
  run?: string;
  session?: string;
  since?: number;
}

export function defineExport(audit: Command, cli: Cli): void {
  audit
    .command("export")
    .description("Write the audit to one file that can be verified without the daemon")
    .requiredOption("--out <file>", "the file; one that is there is replaced when the new one is whole")
    .option("--run <id>", "only this run")
    .option("--session <id>", "only this session and its runs")
    .option("--since <ms>", "only what was written since, in milliseconds of the Unix epoch", wholeNumber(0))
    .action(async ({ out, run, session, since }: ExportFlags) => {
      const client = await cli.client();
      const selection = present({ run_id: run, session_id: session, since_ms: since });
      const path = resolve(cli.context.workingDirectory, out);
      const written = await wholeFile(path, (file) => writePages(client, selection, file));
      cli.output.print({ file: path, ...written }, plainFields);
    });
}

async function writePages(
  client: DaemonClient,
  selection: AuditExportQuery,
  file: FileHandle,
): Promise<{ lines: number; bytes: number }> {
  let lines = 0;
  let bytes = 0;
  let cursor: string | null = null;
  do {
    const query = { ...selection, ...(cursor === null ? {} : { cursor }) };
    const page: { lines: string[]; next_cursor: string | null } = await client.call("exportAudit", { query });
    const text = page.lines.map((line) => `${line}\n`).join("");
    await file.writeFile(text);
    lines += page.lines.length;
    bytes += Buffer.byteLength(text);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return { lines, bytes };
}

/** The file appears under its name when all of it is on disk; it is nobody else's to read. */
async function wholeFile<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const temporary = `${path}.part`;
  const file = await open(temporary, "wx", 0o600).catch((error: unknown) => {
    throw new UsageError(cannotWrite(temporary, error));
  });
  try {
    const written = await write(file);
    await file.sync();
    await file.close();
    await rename(temporary, path);
    return written;
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}
