import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { taskDetail } from "../../views/task.ts";

export function defineGet(tasks: Command, cli: Cli): void {
  tasks
    .command("get <session_id> <task_id>")
    .description("One task")
    .action(async (session_id: string, task_id: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("getTask", { params: { session_id, task_id } }), taskDetail);
    });
}
