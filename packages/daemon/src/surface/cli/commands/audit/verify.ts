import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { parseKeyId } from "../../../../governance/audit/keys/parse.ts";
import { type VerifyOptions, verifyExport } from "../../../../governance/audit/verify/verify.ts";
import type { Cli } from "../../cli.ts";
import { CliError, UsageError } from "../../errors.ts";
import { cannotRead } from "../../file-failure.ts";
import { readTextFile } from "../../flags/named-file.ts";
import { present } from "../../present.ts";
import { verifyText } from "../../views/audit.ts";

/** What is read of the file at once. */
const CHUNK_BYTES = 1 << 20;

interface VerifyFlags {
  publicKey?: string[];
  anchor?: VerifyOptions["expectedAnchor"];
  everySignature?: boolean;
}

export function defineVerify(audit: Command, cli: Cli): void {
  audit
    .command("verify <file>")
    .description("Check an exported audit; needs no daemon")
    .option(
      "--public-key <file>",
      "a public key that you know: hex, PEM, or what 'audit keys' printed; repeatable",
      more,
    )
    .option(
      "--anchor <number:hash>",
      "an anchor that an earlier verification told: it must still be there",
      anchor,
    )
    .option("--every-signature", "check also the signatures that the chain vouches for")
    .action(async (file: string, flags: VerifyFlags) => {
      const trustedKeyIds = flags.publicKey && (await keyIds(flags.publicKey, cli));
      const options = present({
        trustedKeyIds,
        expectedAnchor: flags.anchor,
        everySignature: flags.everySignature,
      });
      const opened = await open(resolve(cli.context.workingDirectory, file)).catch((error: unknown) => {
        throw new UsageError(cannotRead(file, error));
      });
      const report = await verifyExport(opened.createReadStream({ highWaterMark: CHUNK_BYTES }), options);
      cli.output.print(report, verifyText);
      if (!report.ok) throw new CliError(`'${file}' does not verify: ${report.findings[0]?.message}`);
    });
}

async function keyIds(files: readonly string[], cli: Cli): Promise<string[]> {
  return Promise.all(
    files.map(async (file) => {
      const id = parseKeyId(await readTextFile(file, cli.context));
      if (id === undefined) throw new UsageError(`'${file}' holds no Ed25519 public key`);
      return id;
    }),
  );
}

function more(file: string, before: string[] | undefined): string[] {
  return [...(before ?? []), file];
}

function anchor(text: string): { number: number; anchor_hash: string } {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (match?.[2] === undefined)
    throw new InvalidArgumentError("It must be NUMBER:HASH, as 'audit verify' prints it.");
  return { number: Number(match[1]), anchor_hash: match[2] };
}
