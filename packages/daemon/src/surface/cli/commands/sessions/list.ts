import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { addListFlags, type ListFlags, listQuery } from "../../flags/list.ts";
import { sessionTable } from "../../views/session.ts";

export function defineList(sessions: Command, cli: Cli): void {
  addListFlags(sessions.command("list").description("List sessions")).action(async (flags: ListFlags) => {
    const client = await cli.client();
    const list = await client.call("listSessions", { query: listQuery(flags, cli.output.human) });
    cli.output.print(list, sessionTable);
  });
}
