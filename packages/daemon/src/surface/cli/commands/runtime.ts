import type { PermissionMode } from "@kheish/contract";
import { type Command, InvalidArgumentError } from "commander";
import type { Cli } from "../cli.ts";
import { wholeNumber } from "../flags/numbers.ts";
import { permissionModeFrom, permissionModeNames } from "../flags/permission-mode.ts";
import { runtimeDetail } from "../views/runtime.ts";
import { defineRuntimeAuth } from "./runtime-auth.ts";

export function define(runtime: Command, cli: Cli): void {
  runtime
    .command("get")
    .description("The settings in force")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("getRuntime"), runtimeDetail);
    });

  runtime
    .command("set-permission-mode")
    .description("Change what tool calls need, for the whole daemon")
    .argument("<mode>", permissionModeNames.join(", "), permissionMode)
    .option("--expected-revision <n>", "refuse when the settings have changed since", wholeNumber(0))
    .action(async (mode: PermissionMode, { expectedRevision }: { expectedRevision?: number }) => {
      const client = await cli.client();
      const body = { mode, expected_revision: expectedRevision };
      cli.output.print(await client.call("setPermissionMode", { body }), runtimeDetail);
    });

  defineRuntimeAuth(runtime, cli);
}

function permissionMode(text: string): PermissionMode {
  const mode = permissionModeFrom(text);
  if (mode === undefined)
    throw new InvalidArgumentError(`It must be one of ${permissionModeNames.join(", ")}.`);
  return mode;
}
