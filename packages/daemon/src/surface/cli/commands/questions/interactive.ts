import type { QuestionAnswer, UserQuestion } from "@kheish/contract";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../errors.ts";
import { questionText } from "../../views/question.ts";
import { chooseOptions } from "./choice.ts";

/** Asks on standard error, so that standard output stays one JSON value; reads lines until all is answered. */
export async function askInteractively(
  questions: readonly UserQuestion[],
  { context, output }: Cli,
): Promise<QuestionAnswer[]> {
  const { terminal } = context;
  const lines = terminal.inputLines()[Symbol.asyncIterator]();
  const answers: QuestionAnswer[] = [];
  try {
    for (const question of questions) {
      terminal.err(`${questionText(question, output.style())}\n`);
      const selected = await ask(question, lines, (text) => terminal.err(text));
      answers.push({ question_id: question.id, selected_option_ids: selected });
    }
    return answers;
  } finally {
    await lines.return?.();
  }
}

async function ask(
  question: UserQuestion,
  lines: AsyncIterator<string>,
  say: (text: string) => void,
): Promise<string[]> {
  for (;;) {
    say(question.multi_select ? "answers> " : "answer> ");
    const line = await lines.next();
    if (line.done) throw new CliError("the input ended before every question was answered");
    const choice = chooseOptions(question, line.value);
    if (choice.ok) return choice.optionIds;
    say(`${choice.complaint}\n`);
  }
}
