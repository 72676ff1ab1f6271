import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { defineExport } from "./export.ts";
import { defineKeys } from "./keys.ts";
import { defineVerify } from "./verify.ts";

export function define(audit: Command, cli: Cli): void {
  defineExport(audit, cli);
  defineVerify(audit, cli);
  defineKeys(audit, cli);
}
