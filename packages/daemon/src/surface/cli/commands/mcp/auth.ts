import { AuthSlotWrite, readAuthSlot } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { plainFields } from "../../output/fields.ts";
import { slotDetail } from "../../views/slot.ts";
import { addPlaceFlags, atPlace, type PlaceFlags } from "../secrets/place.ts";
import { addSourceFlags, readSecret, type SourceFlags } from "../secrets/source.ts";
import { catalogEntry } from "./catalog.ts";

interface Flags extends SourceFlags, PlaceFlags {
  credentialEnv?: string;
}

export function defineAuth(mcp: Command, cli: Cli): void {
  const auth = mcp.command("auth").description("Credentials of catalog entries");
  auth
    .command("slots <id>")
    .description("The secret slots that an entry's credentials go to; no daemon needed")
    .action((id: string) => {
      const entry = catalogEntry(id);
      const credentials = entry.credential_env.map((credential_env, at) => ({
        credential_env,
        secret_ref: entry.credential_secret_refs[at],
      }));
      cli.output.print({ entry_id: entry.id, server_name: entry.server_name, credentials }, plainFields);
    });
  const set = auth
    .command("set <id>")
    .description("Put an entry's credential into its slot")
    .option("--credential-env <name>", "which one, where an entry has several");
  addPlaceFlags(addSourceFlags(set)).action(async (id: string, flags: Flags) => {
    const slot_id = slotFor(id, flags.credentialEnv);
    const state = { value: await readSecret(flags, cli.context) };
    const body = { slot_id, provider: "generic", mode: "opaque_secret", state } as const;
    const read = readAuthSlot(AuthSlotWrite.parse(body));
    if (!read.ok)
      throw new UsageError(
        "the slot is not valid",
        read.errors.map(({ message }) => message),
      );
    const slot = await atPlace(
      cli,
      flags,
      "write",
      (client) => client.call("putSecret", { body }),
      (place) => place.put(read.record),
    );
    cli.output.print(slot, slotDetail);
  });
}

function slotFor(id: string, env: string | undefined): string {
  const { credential_env: names, credential_secret_refs: refs } = catalogEntry(id);
  if (names.length === 0) throw new UsageError(`'${id}' takes no credential in a slot`);
  const at = env === undefined && names.length === 1 ? 0 : names.indexOf(env ?? "");
  const ref = refs[at];
  if (ref === undefined) throw new UsageError(`--credential-env must be one of ${names.join(", ")}`);
  return ref;
}
