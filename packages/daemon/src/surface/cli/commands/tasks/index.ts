import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { defineGet } from "./get.ts";
import { defineList } from "./list.ts";
import { defineOutput } from "./output.ts";
import { defineStop } from "./stop.ts";

export function define(tasks: Command, cli: Cli): void {
  defineList(tasks, cli);
  defineGet(tasks, cli);
  defineOutput(tasks, cli);
  defineStop(tasks, cli);
}
