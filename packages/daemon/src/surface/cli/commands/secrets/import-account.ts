import type { ClaudeCodeAccount, CodexAccount } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { readTextFile } from "../../flags/named-file.ts";
import { keepSlot, type SlotBody } from "./keep.ts";
import { addPlaceFlags, type PlaceFlags } from "./place.ts";

interface Flags extends PlaceFlags {
  file?: string;
  organization?: string;
  project?: string;
}

/** Logins that other programs have made, taken over when their user says so (02-R56). */
export function defineImports(secrets: Command, cli: Cli): void {
  const codex = secrets
    .command("import-codex <ref>")
    .description("Keep the ChatGPT login of Codex in a slot, and refresh it from then on")
    .option("--file <path>", "its auth.json (default: of $CODEX_HOME or ~/.codex)")
    .option("--organization <id>", "sent with each call")
    .option("--project <id>", "sent with each call");
  addPlaceFlags(codex).action(async (ref: string, flags: Flags) => {
    const { codexAccount, codexAuthPath } = await import("../../../../governance/accounts/vendor-files.ts");
    const { path, text } = await read(cli, flags.file ?? codexAuthPath(cli.context.env));
    const state = usable(() => codexAccount(text, path, cli.context.env, flags));
    await keepSlot(cli, flags, slotOf(ref, "open_ai", state));
  });

  const claude = secrets
    .command("import-claude-code <ref>")
    .description("Keep the login of Claude Code in a slot, and refresh it from then on")
    .option("--file <path>", "its .credentials.json (default: of $CLAUDE_CONFIG_DIR or ~/.claude)");
  addPlaceFlags(claude).action(async (ref: string, flags: Flags) => {
    const vendor = await import("../../../../governance/accounts/vendor-files.ts");
    const { path, text } = await read(cli, flags.file ?? vendor.claudeCredentialsPath(cli.context.env));
    const state = usable(() => vendor.claudeCodeAccount(text, path, cli.context.env));
    await keepSlot(cli, flags, slotOf(ref, "anthropic", state));
  });
}

async function read(cli: Cli, path: string | undefined): Promise<{ path: string; text: string }> {
  if (path === undefined) throw new UsageError("HOME is not set: name the file with --file");
  return { path, text: await readTextFile(path, cli.context) };
}

function usable<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof Error && error.name === "VendorFileError") throw new UsageError(error.message);
    throw error;
  }
}

function slotOf(
  slot_id: string,
  provider: "open_ai" | "anthropic",
  state: CodexAccount | ClaudeCodeAccount,
): SlotBody {
  return { slot_id, provider, mode: "oauth_account", state: { ...state } };
}
