import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { tokenTable } from "../../views/token.ts";
import { defineCreate } from "./create.ts";
import { defineRevoke } from "./revoke.ts";

export function define(tokens: Command, cli: Cli): void {
  defineCreate(tokens, cli);
  tokens
    .command("list")
    .description("Named tokens, without their secrets")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("listTokens"), tokenTable);
    });
  defineRevoke(tokens, cli);
}
