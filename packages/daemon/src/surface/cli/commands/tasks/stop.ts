import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { present } from "../../present.ts";
import { taskDetail } from "../../views/task.ts";

export function defineStop(tasks: Command, cli: Cli): void {
  tasks
    .command("stop <session_id> <task_id>")
    .description("Stop a task; a command is ended with all it started")
    .option("--reason <text>", "what is kept as its outcome")
    .action(async (session_id: string, task_id: string, { reason }: { reason?: string }) => {
      const client = await cli.client();
      const request = { params: { session_id, task_id }, body: present({ reason }) };
      cli.output.print(await client.call("stopTask", request), taskDetail);
    });
}
