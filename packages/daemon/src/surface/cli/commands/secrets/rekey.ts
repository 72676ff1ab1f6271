import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { messageOf, UsageError } from "../../errors.ts";
import { readTextFile } from "../../flags/named-file.ts";
import { rekeyDetail } from "../../views/slot.ts";
import { newMasterKey } from "./master-key.ts";
import { addPlaceFlags, atPlace, type PlaceFlags } from "./place.ts";

interface Flags extends PlaceFlags {
  newKeyFile?: string;
  generate?: boolean;
}

/** Every slot is encrypted anew; minutes, where there are very many of them. */
const TIMEOUT_MS = 600_000;

export function defineRekey(secrets: Command, cli: Cli): void {
  const rekey = secrets
    .command("rekey")
    .description("Encrypt every slot under another master key, while the daemon runs")
    .option("--new-key-file <path>", "the new key, from a file")
    .option("--generate", "make a new key and print it");
  addPlaceFlags(rekey).action(async (flags: Flags) => {
    const { newKeyFile, generate } = flags;
    if ((newKeyFile === undefined) === (generate === undefined)) {
      throw new UsageError("give --new-key-file or --generate");
    }
    const new_key = newKeyFile === undefined ? newMasterKey() : await readTextFile(newKeyFile, cli.context);
    const view = await atPlace(
      cli,
      flags,
      "write",
      (client) => client.call("rekeySecrets", { body: { new_key }, timeoutMs: TIMEOUT_MS }),
      async (place) => place.rekey(await keyFrom(new_key, newKeyFile ?? "the new key")),
    );
    cli.output.print({ ...view, ...(generate === true ? { new_key } : {}) }, rekeyDetail);
  });
}

async function keyFrom(text: string, source: string) {
  const { parseMasterKey } = await import("../../../../governance/secrets/index.ts");
  try {
    return parseMasterKey(text, source);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}
