import { createInterface } from "node:readline/promises";
import type { ApprovalRequest, QuestionAnswer, UserQuestion } from "@kheish/contract";
import { truncate } from "../output/text.ts";

/** Whoever says yes and knows the answers: a person at a terminal, or the script of the demo. */
export interface Human {
  approve(request: ApprovalRequest): Promise<boolean>;
  answer(question: UserQuestion): Promise<QuestionAnswer>;
  close(): void;
}

/** Says yes, and takes the first option. */
export function scriptedHuman(say: (line: string) => void): Human {
  return {
    async approve(request) {
      say(`  ☝  the script approves ${request.tool_name}`);
      return true;
    },
    async answer(question) {
      const [first] = question.options;
      say(`  ☝  the script answers "${question.question}": ${first?.label ?? ""}`);
      return { question_id: question.id, selected_option_ids: first === undefined ? [] : [first.id] };
    },
    close: () => undefined,
  };
}

const PREVIEW = 400;

/** `onInterrupt`: Ctrl-C, which a terminal that is read line by line does not send as a signal. */
export function humanAtTerminal(say: (line: string) => void, onInterrupt: () => void): Human {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  lines.once("SIGINT", onInterrupt);
  return {
    async approve(request) {
      say(
        `\n  ${request.tool_name} wants to run with:\n  ${truncate(JSON.stringify(request.input), PREVIEW)}`,
      );
      const reply = await lines.question("  Approve? [Y/n] ");
      return !/^n/i.test(reply.trim());
    },
    async answer(question) {
      say(`\n  ${question.question}`);
      question.options.forEach((option, index) => {
        say(
          `    ${index + 1}. ${option.label}${option.description === undefined ? "" : ` (${option.description})`}`,
        );
      });
      for (;;) {
        const reply = (await lines.question("  Your answer (a number, or your own words): ")).trim();
        const option = question.options[Number(reply) - 1];
        if (option !== undefined) return { question_id: question.id, selected_option_ids: [option.id] };
        if (reply !== "" && !/^\d+$/.test(reply)) {
          return { question_id: question.id, selected_option_ids: [], freeform_answer: reply };
        }
      }
    },
    close: () => lines.close(),
  };
}
