import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { defineCreate } from "./create.ts";
import { defineDecisions } from "./decide.ts";
import { defineEnd } from "./end.ts";
import { defineEvents } from "./events.ts";
import { defineGet } from "./get.ts";
import { defineGoal } from "./goal.ts";
import { defineInput } from "./input.ts";
import { defineInterrupt } from "./interrupt.ts";
import { defineList } from "./list.ts";
import { defineReplyTargets } from "./reply-targets.ts";
import { defineScopes } from "./scopes.ts";
import { defineSetRoute } from "./set-route.ts";
import { defineSkills } from "./skills.ts";
import { defineStream } from "./stream.ts";

export function define(sessions: Command, cli: Cli): void {
  defineList(sessions, cli);
  defineCreate(sessions, cli);
  defineGet(sessions, cli);
  defineInput(sessions, cli);
  defineEvents(sessions, cli);
  defineStream(sessions, cli);
  defineDecisions(sessions, cli);
  defineInterrupt(sessions, cli);
  defineEnd(sessions, cli);
  defineSetRoute(sessions, cli);
  defineScopes(sessions, cli);
  defineReplyTargets(sessions, cli);
  defineGoal(sessions, cli);
  defineSkills(sessions, cli);
}
