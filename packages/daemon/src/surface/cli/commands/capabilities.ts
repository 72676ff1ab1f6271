import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { capabilityList } from "../views/status.ts";

export function define(capabilities: Command, cli: Cli): void {
  capabilities.action(async () => {
    const client = await cli.client();
    cli.output.print(await client.call("capabilities"), capabilityList);
  });
}
