import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { defineDecide } from "./decide.ts";
import { defineDecideAll } from "./decide-all.ts";
import { defineList } from "./list.ts";
import { defineShow } from "./show.ts";

export function define(approvals: Command, cli: Cli): void {
  defineList(approvals, cli);
  defineShow(approvals, cli);
  defineDecide(approvals, "allow", cli);
  defineDecide(approvals, "deny", cli);
  defineDecideAll(approvals, "allow", cli);
  defineDecideAll(approvals, "deny", cli);
}
