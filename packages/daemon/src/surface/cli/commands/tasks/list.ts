import { TaskStatus } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { Cli } from "../../cli.ts";
import { addListFlags, type ListFlags, listQuery } from "../../flags/list.ts";
import { taskTable } from "../../views/task.ts";

interface Flags extends ListFlags {
  status?: TaskStatus;
}

export function defineList(tasks: Command, cli: Cli): void {
  addListFlags(tasks.command("list <session_id>").description("Tasks of a session, oldest first"))
    .addOption(new Option("--status <status>", "tasks in this state only").choices(TaskStatus.options))
    .action(async (session_id: string, flags: Flags) => {
      const client = await cli.client();
      const query = { ...listQuery(flags, cli.output.human), status: flags.status };
      cli.output.print(await client.call("listTasks", { params: { session_id }, query }), taskTable);
    });
}
