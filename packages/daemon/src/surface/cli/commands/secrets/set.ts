import type { AuthProvider } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { keepSlot, type SlotBody } from "./keep.ts";
import { addPlaceFlags, type PlaceFlags } from "./place.ts";
import { addSourceFlags, readSecret, type SourceFlags } from "./source.ts";

/** As drivers are called; the wire has its own spellings. */
const PROVIDERS: Readonly<Record<string, AuthProvider>> = {
  generic: "generic",
  anthropic: "anthropic",
  google: "google",
  openai: "open_ai",
  openrouter: "open_router",
  xai: "x_ai",
};

interface Flags extends SourceFlags, PlaceFlags {
  provider: string;
  organization?: string;
  project?: string;
}

export function defineSet(secrets: Command, cli: Cli): void {
  const set = secrets
    .command("set <ref>")
    .description("Create a slot or replace its secret, which enables it")
    .addOption(
      new Option("--provider <name>", "whose secret it is")
        .choices(Object.keys(PROVIDERS))
        .default("generic"),
    );
  addPlaceFlags(addSourceFlags(set))
    .option("--organization <id>", "of an openai key")
    .option("--project <id>", "of an openai key")
    .action(async (ref: string, flags: Flags) => {
      await keepSlot(cli, flags, bodyOf(ref, flags, await readSecret(flags, cli.context)));
    });
}

function bodyOf(slot_id: string, { provider, organization, project }: Flags, secret: string): SlotBody {
  if (provider !== "openai" && (organization ?? project) !== undefined) {
    throw new UsageError("--organization and --project go with --provider openai only");
  }
  if (provider === "generic") {
    return { slot_id, provider: "generic", mode: "opaque_secret", state: { value: secret } };
  }
  const account = {
    ...(organization === undefined ? {} : { organization }),
    ...(project === undefined ? {} : { project }),
  };
  const state = { kind: "api_key", api_key: secret, ...account };
  return { slot_id, provider: PROVIDERS[provider] ?? "generic", mode: "api_key", state };
}
