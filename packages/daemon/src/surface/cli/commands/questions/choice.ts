import type { QuestionOption, UserQuestion } from "@kheish/contract";

export type Choice = { ok: true; optionIds: string[] } | { ok: false; complaint: string };

/**
 * Reads an answer line: option numbers, ids or labels, separated by commas or spaces.
 * A whole line or a part between commas may be a label with spaces in it, so the widest reading goes first.
 */
export function chooseOptions(question: UserQuestion, line: string): Choice {
  const tokens = tokensOf(question.options, line.trim());
  if (tokens.length === 0) return complaint("Choose at least one option.");
  const chosen: string[] = [];
  for (const token of tokens) {
    const option = optionFor(question.options, token);
    if (option === undefined) return complaint(`There is no option '${token}'.`);
    if (chosen.includes(option.id)) return complaint(`'${option.label}' is chosen twice.`);
    chosen.push(option.id);
  }
  if (chosen.length > 1 && !question.multi_select) return complaint("Choose one option only.");
  return { ok: true, optionIds: chosen };
}

function tokensOf(options: readonly QuestionOption[], text: string): string[] {
  if (optionFor(options, text) !== undefined) return [text];
  const separator = text.includes(",") ? "," : /\s+/;
  return text
    .split(separator)
    .map((token) => token.trim())
    .filter((token) => token !== "");
}

function optionFor(options: readonly QuestionOption[], token: string): QuestionOption | undefined {
  const byNumber = /^\d+$/.test(token) ? options[Number(token) - 1] : undefined;
  const wanted = token.toLowerCase();
  return byNumber ?? options.find(({ id, label }) => id === token || label.trim().toLowerCase() === wanted);
}

function complaint(text: string): Choice {
  return { ok: false, complaint: text };
}
