import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { addServeFlags, serveOptions } from "../flags/serve.ts";
import type { FlagValues } from "../flags/setting.ts";
import { runDaemon } from "./run-daemon.ts";

export function define(serve: Command, cli: Cli): void {
  addServeFlags(serve).action((flags: FlagValues) => runDaemon(cli, serveOptions(flags, cli.context)));
}
