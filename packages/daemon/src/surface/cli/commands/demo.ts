import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import type { DemoFlags } from "../context.ts";

export function define(demo: Command, { context }: Cli): void {
  demo
    .option("-y, --yes", "a script answers, as in a pipe")
    .option("--simulator", "play without a model, whatever key is set")
    .option("--keep", "leave the workspace, state root and log for a look")
    .action(async (flags: DemoFlags) => {
      const { runDemo } = await context.host.loadDemo();
      await runDemo(flags, context);
    });
}
