import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { serveOptions } from "../flags/serve.ts";
import { addServeFlags } from "../flags/serve-settings.ts";
import type { FlagValues } from "../flags/setting.ts";
import { runDaemon } from "./run-daemon.ts";

export function define(serve: Command, cli: Cli): void {
  addServeFlags(serve).action((flags: FlagValues) => runDaemon(cli, serveOptions(flags, cli.context)));
}
