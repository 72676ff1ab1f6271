import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { defineImports } from "./import-account.ts";
import { newMasterKey } from "./master-key.ts";
import { defineRead } from "./read.ts";
import { defineRekey } from "./rekey.ts";
import { defineSet } from "./set.ts";

export function define(secrets: Command, cli: Cli): void {
  secrets
    .command("generate")
    .description("Print a new master key, and touch nothing")
    .action(() => cli.output.raw(`${newMasterKey()}\n`));
  defineRead(secrets, cli);
  defineSet(secrets, cli);
  defineImports(secrets, cli);
  defineRekey(secrets, cli);
}
