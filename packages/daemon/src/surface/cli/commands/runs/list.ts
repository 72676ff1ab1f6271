import { type Command, Option } from "commander";
import type { Cli } from "../../cli.ts";
import { addListFlags, type ListFlags, listQuery } from "../../flags/list.ts";
import { runTable } from "../../views/run.ts";

interface Flags extends ListFlags {
  sessionId?: string;
  status?: string;
  priorityActive?: boolean;
  order?: "asc" | "desc";
}

export function defineList(runs: Command, cli: Cli): void {
  addListFlags(runs.command("list").description("List runs"))
    .option("--session-id <id>", "runs of one session")
    .option("--status <statuses>", "comma list of run statuses")
    .option("--priority-active", "with --limit: unfinished runs first")
    .addOption(new Option("--order <order>", "by submission; pages only").choices(["asc", "desc"]))
    .action(async (flags: Flags) => {
      const client = await cli.client();
      const list = await client.call("listRuns", { query: queryFrom(flags, cli.output.human) });
      cli.output.print(list, runTable);
    });
}

function queryFrom(flags: Flags, human: boolean) {
  // On a screen the newest run is the one looked for.
  const order = flags.order ?? (human ? "desc" : undefined);
  return {
    ...listQuery(flags, human),
    order,
    session_id: flags.sessionId,
    status: flags.status,
    priority_active: flags.priorityActive ? "true" : undefined,
  };
}
