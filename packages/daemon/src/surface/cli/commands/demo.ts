import type { Command } from "commander";
import type { Cli } from "../cli.ts";

/** The demo reads its own arguments. */
export function define(demo: Command, { context }: Cli): void {
  demo
    .argument("[args...]", "arguments of the demo")
    .allowUnknownOption()
    .action(async (args: string[]) => {
      const { runDemo } = await context.host.loadDemo();
      await runDemo(args, context);
    });
}
