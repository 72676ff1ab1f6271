import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { serveOptions } from "../flags/serve.ts";
import { addServeFlags } from "../flags/serve-settings.ts";
import type { FlagValues } from "../flags/setting.ts";
import type { ServeOptions } from "../serve-options.ts";
import { runDaemon } from "./run-daemon.ts";

export function define(up: Command, cli: Cli): void {
  addServeFlags(up)
    .option("--no-open", "do not open the console in a browser")
    .action((flags: FlagValues) => {
      const serving = serveOptions(flags, cli.context);
      // Who comes to look adds a route from the console or the command line (02-R38).
      const options = {
        ...serving,
        allowEmptyRoutes: true,
        createMasterKey: true,
        open: flags.open !== false,
      };
      return runDaemon(cli, options, ({ baseUrl }) => welcome(cli, options, baseUrl));
    });
}

function welcome({ context, output }: Cli, options: ServeOptions, baseUrl: string): void {
  const { colors } = output.style();
  const lines = [
    `Kheish console ready at ${colors.bold(`${baseUrl}/`)}`,
    "",
    `  ${colors.dim("state")}      ${options.stateRoot}`,
    `  ${colors.dim("workspace")}  ${options.workspaceRoot}`,
    "",
    `  ${colors.dim("Press Ctrl-C to stop; runs go on where they were when the daemon is back.")}`,
    "",
  ];
  output.raw(`${lines.join("\n")}\n`);
  // Only somebody who sits at a terminal wants a browser window.
  if (options.open && context.terminal.columns !== undefined) {
    const url = `${baseUrl}/`;
    context.host.openUrl(url, () =>
      context.terminal.err(`kheish: no browser could be opened; the console is at ${url}\n`),
    );
  }
}
