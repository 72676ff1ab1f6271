import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { revokedDetail, slotDetail, slotTable } from "../../views/slot.ts";

/** Accounts that the daemon keeps signed in (02, CLI). */
export function defineAccounts(auth: Command, cli: Cli): void {
  const accounts = auth.command("accounts").description("Accounts that the daemon keeps signed in");
  accounts
    .command("list")
    .description("Every account, never its tokens")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("listAccounts"), slotTable);
    });
  accounts
    .command("get <slot>")
    .description("One account")
    .action(async (slot: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("getAccount", { params: { slot } }), slotDetail);
    });
  accounts
    .command("refresh <slot>")
    .description("Get a new token from the provider now, at most once in 5 s")
    .action((slot: string) => refreshAccount(cli, slot));
  accounts
    .command("revoke <slot>")
    .description("Give the tokens back to the provider and delete the account here")
    .option("--reason <text>", "recorded with it")
    .action((slot: string, { reason }: { reason?: string }) => revokeAccount(cli, slot, reason));
}

export async function refreshAccount(cli: Cli, slot: string): Promise<void> {
  const client = await cli.client();
  cli.output.print(await client.call("refreshAccount", { params: { slot } }), slotDetail);
}

export async function revokeAccount(cli: Cli, slot: string, reason?: string): Promise<void> {
  const client = await cli.client();
  const why = reason === undefined ? {} : { body: { reason } };
  cli.output.print(await client.call("revokeAccount", { params: { slot }, ...why }), revokedDetail);
}
