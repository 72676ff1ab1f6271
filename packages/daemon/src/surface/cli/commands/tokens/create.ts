import { Verb } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { Cli } from "../../cli.ts";
import { durationMs } from "../../flags/duration.ts";
import { createdToken } from "../../views/token.ts";

interface Flags {
  verb: Verb[];
  resource: string[];
  expiresIn?: number;
}

export function defineCreate(tokens: Command, cli: Cli): void {
  tokens
    .command("create <name>")
    .description("Create a token that may do these things to these resources, and print it once")
    .addOption(
      new Option("--verb <verb...>", "read, write or admin; none includes another")
        .choices(Verb.options)
        .makeOptionMandatory(),
    )
    .requiredOption("--resource <glob...>", "path behind /v1/ with all below it, as in sessions/team-a-*")
    .option("--expires-in <duration>", "such as 90d, 12h, 30m; default never", durationMs)
    .action(async (name: string, { verb, resource, expiresIn }: Flags) => {
      const client = await cli.client();
      const body = { name, verbs: verb, resources: resource, expires_in_ms: expiresIn };
      cli.output.print(await client.call("createToken", { body }), createdToken);
    });
}
