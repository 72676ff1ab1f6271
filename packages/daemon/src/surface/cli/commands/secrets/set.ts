import { type AuthProvider, AuthSlotWrite, readAuthSlot } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { z } from "zod";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { slotDetail } from "../../views/slot.ts";
import { addPlaceFlags, atPlace, type PlaceFlags } from "./place.ts";
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
      const body = bodyOf(ref, flags, await readSecret(flags, cli.context));
      const slot = await atPlace(
        cli,
        flags,
        "write",
        (client) => client.call("putSecret", { body }),
        (place) => place.put(checkedRecord(body)),
      );
      cli.output.print(slot, slotDetail);
    });
}

type Body = z.input<typeof AuthSlotWrite>;

function bodyOf(slot_id: string, { provider, organization, project }: Flags, secret: string): Body {
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

/** What the daemon would have checked. */
export function checkedRecord(body: Body) {
  const parsed = AuthSlotWrite.safeParse(body);
  const read = parsed.success ? readAuthSlot(parsed.data) : undefined;
  if (read?.ok === true) return read.record;
  const errors = read === undefined ? (parsed.error?.issues ?? []) : read.errors;
  throw new UsageError(
    "the slot is not valid",
    errors.map(({ path, message }) => `/${path.join("/")}: ${message}`),
  );
}
