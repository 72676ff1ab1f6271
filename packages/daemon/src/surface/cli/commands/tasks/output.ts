import { MAX_TAIL_BYTES, MAX_TASK_WAIT_MS } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { taskOutput } from "../../views/task.ts";

interface Flags {
  wait?: boolean;
  timeoutMs?: number;
  tailBytes?: number;
  full?: boolean;
}

export function defineOutput(tasks: Command, cli: Cli): void {
  tasks
    .command("output <session_id> <task_id>")
    .description("What a task has brought so far")
    .option("--wait", "until the task is over")
    .option(
      "--timeout-ms <n>",
      `how long to wait; default 30000, at most ${MAX_TASK_WAIT_MS}`,
      wholeNumber(0),
    )
    .option("--tail-bytes <n>", `bytes from the end; default 8192, at most ${MAX_TAIL_BYTES}`, wholeNumber(1))
    .option("--full", "all that is kept")
    .action(async (session_id: string, task_id: string, flags: Flags) => {
      const client = await cli.client();
      const query = {
        wait: flags.wait === true ? ("true" as const) : undefined,
        timeout_ms: flags.timeoutMs?.toString(),
        tail_bytes: flags.tailBytes?.toString(),
        full: flags.full === true ? ("true" as const) : undefined,
      };
      cli.output.print(
        await client.call("taskOutput", { params: { session_id, task_id }, query }),
        taskOutput,
      );
    });
}
