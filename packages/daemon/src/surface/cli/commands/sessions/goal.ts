import { GoalStatus } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { Cli } from "../../cli.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { present } from "../../present.ts";
import { goalDetail } from "../../views/goal.ts";

interface SetFlags {
  tokenBudget?: number;
  status?: GoalStatus;
}

/** `budget_limited` is the daemon's to say. */
const SETTABLE = GoalStatus.options.filter((status) => status !== "budget_limited");

export function defineGoal(sessions: Command, cli: Cli): void {
  const goal = sessions.command("goal").description("What a session works toward while nobody writes");

  goal
    .command("get <session_id>")
    .description("The session's goal and what it has used")
    .action(async (sessionId: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("getGoal", { params: { session_id: sessionId } }), goalDetail);
    });

  goal
    .command("set <session_id> <objective>")
    .description("Give the session a goal, in the place of the one it may have")
    .option("--token-budget <n>", "tokens the work may use", wholeNumber(1))
    .addOption(new Option("--status <status>", "active unless said otherwise").choices(SETTABLE))
    .action(async (sessionId: string, objective: string, { tokenBudget, status }: SetFlags) => {
      const client = await cli.client();
      const params = { session_id: sessionId };
      const body = { objective, ...present({ token_budget: tokenBudget, status }) };
      cli.output.print(await client.call("replaceGoal", { params, body }), goalDetail);
    });

  goal
    .command("clear <session_id>")
    .description("Remove the session's goal")
    .action(async (sessionId: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("clearGoal", { params: { session_id: sessionId } }), goalDetail);
    });
}
