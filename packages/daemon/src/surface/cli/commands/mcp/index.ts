import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { defineAuth } from "./auth.ts";
import { defineCatalog } from "./catalog.ts";
import { defineOAuth } from "./oauth.ts";
import { defineServe } from "./serve.ts";
import { defineServers } from "./servers.ts";
import { defineTools } from "./tools.ts";

export function define(mcp: Command, cli: Cli): void {
  defineServers(mcp, cli);
  defineTools(mcp, cli);
  defineCatalog(mcp, cli);
  defineAuth(mcp, cli);
  defineOAuth(mcp, cli);
  defineServe(mcp, cli);
}
