import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import { plainFields } from "../../output/fields.ts";

export function defineRevoke(tokens: Command, cli: Cli): void {
  tokens
    .command("revoke <name>")
    .description("Revoke a token, by name or id, and all that were created with it; from the next request on")
    .action(async (name: string) => {
      const client = await cli.client();
      const known = await client.call("listTokens");
      const token = known.find((one) => one.name === name) ?? known.find(({ token_id }) => token_id === name);
      if (token === undefined) throw new CliError(`there is no token '${name}'`, ExitCode.notFound);
      const params = { token_id: token.token_id };
      cli.output.print(await client.call("revokeToken", { params }), plainFields);
    });
}
