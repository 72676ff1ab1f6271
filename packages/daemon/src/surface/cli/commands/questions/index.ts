import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { defineAnswer } from "./answer.ts";
import { defineCancel } from "./cancel.ts";
import { defineList } from "./list.ts";
import { defineShow } from "./show.ts";

export function define(questions: Command, cli: Cli): void {
  defineList(questions, cli);
  defineShow(questions, cli);
  defineAnswer(questions, cli);
  defineCancel(questions, cli);
}
