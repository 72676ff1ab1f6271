import type { ListPage, PendingQuestionView, UserQuestion } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import { itemsOf, type Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { oneLine, printable } from "../output/text.ts";
import { age } from "../output/time.ts";
import { pageFooter } from "./page-footer.ts";

export function questionTable(
  list: PendingQuestionView[] | ListPage<PendingQuestionView>,
  style: Style,
): string {
  const pending = itemsOf(list);
  if (pending.length === 0) return "No pending questions.";
  return (
    table(
      pending,
      [
        { title: "REQUEST", value: ({ request }) => request.id, keep: true },
        { title: "RUN", value: (view) => view.run_id, keep: true },
        { title: "SESSION", value: (view) => view.session_id },
        { title: "ASKED", value: ({ request }) => age(request.created_at_ms, style.now) },
        { title: "EXPIRES", value: ({ request }) => expiryText(request.expires_at_ms, style.now) },
        {
          title: "QUESTIONS",
          value: ({ request }) => request.questions.map(({ question }) => question).join(" / "),
        },
      ],
      style,
    ) + pageFooter(list, style)
  );
}

export function questionDetail(view: PendingQuestionView, style: Style): string {
  const { request } = view;
  const facts = fields(
    [
      ["run", view.run_id],
      ["session", view.session_id],
      ["asked", age(request.created_at_ms, style.now)],
      ["expires", expiryText(request.expires_at_ms, style.now)],
    ],
    style,
  );
  const questions = request.questions.map((question) => questionText(question, style));
  return [style.colors.bold(request.id), facts, ...questions.flatMap((text) => ["", text])].join("\n");
}

/** A question and its numbered options, as prompts and details show it. */
export function questionText(question: UserQuestion, { colors }: Pick<Style, "colors">): string {
  const options = question.options.map((option, index) => {
    const description =
      option.description === undefined ? "" : colors.dim(`  ${oneLine(option.description)}`);
    return `  ${index + 1}. ${oneLine(option.label)}${description}`;
  });
  const hint = question.multi_select ? colors.dim(" (several are possible)") : "";
  return [
    `${colors.bold(oneLine(question.header))}: ${printable(question.question)}${hint}`,
    ...options,
  ].join("\n");
}

function expiryText(expiresAtMs: number | undefined, now: number): string | undefined {
  return expiresAtMs === undefined ? undefined : age(expiresAtMs, now);
}
