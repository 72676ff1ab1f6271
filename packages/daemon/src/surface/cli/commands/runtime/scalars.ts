import { DebugLevel } from "@kheish/contract";
import { Argument, type Command } from "commander";
import type { Cli } from "../../cli.ts";
import { addChangeFlags, type ChangeFlags, changeOf } from "../../flags/change.ts";
import { permissionMode, permissionModeNames } from "../../flags/permission-mode.ts";
import { runtimeDetail } from "../../views/runtime.ts";

/** The settings that are one word. */
export function defineScalars(runtime: Command, cli: Cli): void {
  addChangeFlags(
    runtime
      .command("set-model <selector>")
      .description("Change the default of new runs: <model> or <route>/<model>"),
  ).action(async (model: string, flags: ChangeFlags) => {
    const client = await cli.client();
    const body = { model, ...changeOf(flags) };
    cli.output.print(await client.call("setModel", { body }), runtimeDetail);
  });

  addChangeFlags(
    runtime
      .command("set-permission-mode")
      .description("Change what tool calls need, for the whole daemon")
      .argument("<mode>", permissionModeNames.join(", "), permissionMode),
  ).action(async (mode: ReturnType<typeof permissionMode>, flags: ChangeFlags) => {
    const client = await cli.client();
    const body = { mode, ...changeOf(flags) };
    cli.output.print(await client.call("setPermissionMode", { body }), runtimeDetail);
  });

  addChangeFlags(
    runtime
      .command("set-debug-level")
      .description("Change how much of the work is kept as evidence")
      .addArgument(new Argument("<level>").choices(DebugLevel.options)),
  ).action(async (level: DebugLevel, flags: ChangeFlags) => {
    const client = await cli.client();
    const body = { level, ...changeOf(flags) };
    cli.output.print(await client.call("setDebugLevel", { body }), runtimeDetail);
  });
}
