import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { keyRingTable } from "../../views/audit.ts";

export function defineKeys(audit: Command, cli: Cli): void {
  audit
    .command("keys")
    .description("The public keys that sign the audit, and how each took over")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("auditKeys"), keyRingTable);
    });
}
