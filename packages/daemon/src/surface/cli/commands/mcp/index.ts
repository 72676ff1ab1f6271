import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { defineOAuth } from "./oauth.ts";

export function define(mcp: Command, cli: Cli): void {
  defineOAuth(mcp, cli);
}
