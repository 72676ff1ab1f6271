import type { McpCatalogEntryView } from "@kheish/contract";
import type { Command } from "commander";
import { CATALOG, CATALOG_PROFILES } from "../../../../features/mcp/catalog.ts";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import { plainFields } from "../../output/fields.ts";
import { catalogTable, profileTable } from "../../views/mcp.ts";

/** What the daemon knows of other people's servers: local, no daemon needed. */
export function defineCatalog(mcp: Command, cli: Cli): void {
  const catalog = mcp.command("catalog").description("Servers that are known by name, without a daemon");
  catalog
    .command("list")
    .description("Every entry")
    .option("--profile <id>", "entries of this profile only")
    .option("--supported-only", "entries only that a profile brings along")
    .action(({ profile, supportedOnly }: { profile?: string; supportedOnly?: boolean }) => {
      if (profile !== undefined) found(CATALOG_PROFILES, profile, "profile");
      const entries = CATALOG.filter(
        (entry) =>
          (profile === undefined || entry.profiles.includes(profile)) &&
          (supportedOnly !== true || entry.status === "supported"),
      );
      cli.output.print(entries, catalogTable);
    });
  catalog
    .command("get <id>")
    .description("One entry")
    .action((id: string) => cli.output.print(catalogEntry(id), plainFields));

  const profiles = mcp.command("profiles").description("Groups of entries that 'serve --mcp-profile' takes");
  profiles
    .command("list")
    .description("Every profile")
    .action(() => cli.output.print(CATALOG_PROFILES, profileTable));
  profiles
    .command("get <id>")
    .description("One profile")
    .action((id: string) => cli.output.print(found(CATALOG_PROFILES, id, "profile"), plainFields));
}

export function catalogEntry(id: string): McpCatalogEntryView {
  return found(CATALOG, id, "catalog entry");
}

function found<T extends { id: string }>(list: readonly T[], id: string, what: string): T {
  const one = list.find((item) => item.id === id);
  if (one !== undefined) return one;
  const known = list.map((item) => item.id).join(", ");
  throw new CliError(`there is no MCP ${what} '${id}'`, ExitCode.notFound, [`known: ${known}`]);
}
