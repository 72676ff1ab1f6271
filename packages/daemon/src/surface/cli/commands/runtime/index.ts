import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { runtimeDetail } from "../../views/runtime.ts";
import { defineRuntimeRoutes } from "../runtime-routes.ts";
import { defineRuntimeAuth } from "./auth.ts";
import { defineDocuments } from "./documents.ts";
import { defineHistory } from "./history.ts";
import { definePermissions } from "./permissions.ts";
import { defineScalars } from "./scalars.ts";
import { defineSystemPrompt } from "./system-prompt.ts";

export function define(runtime: Command, cli: Cli): void {
  runtime
    .command("get")
    .description("The settings in force")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("getRuntime"), runtimeDetail);
    });
  defineScalars(runtime, cli);
  defineSystemPrompt(runtime, cli);
  defineDocuments(runtime, cli);
  defineHistory(runtime, cli);
  definePermissions(runtime, cli);
  defineRuntimeRoutes(runtime, cli);
  defineRuntimeAuth(runtime, cli);
}
