import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { statusDetail } from "../views/status.ts";

export function define(status: Command, cli: Cli): void {
  status.action(async () => {
    const client = await cli.client();
    cli.output.print(await client.call("status"), statusDetail);
  });
}
