import type { Json, JsonObject, UserQuestion } from "@kheish/contract";
import { z } from "zod";

const name = z.string().trim().min(1);

const Option = z.strictObject({
  id: name.optional().describe("Default: option-{n}."),
  label: name.describe("What is chosen, in a few words."),
  description: z.string().optional().describe("What choosing it means."),
  preview: z
    .string()
    .optional()
    .describe("Something to look at while choosing, such as a snippet or a mock-up."),
});

const Question = z.strictObject({
  id: name.optional().describe("Default: question-{n}."),
  header: name.optional().describe("A short title. Default: Question {n}."),
  question: name.describe("The whole question."),
  options: z.array(Option).min(2).max(4),
  multi_select: z.boolean().default(false).describe("Whether more than one option may be chosen."),
});
type Question = z.output<typeof Question>;

/** The canonical form; `foldQuestions` brings the others to it. */
export const AskUserQuestionInput = z
  .strictObject({
    questions: z.array(Question).min(1).max(4).superRefine(requireDistinct),
    expires_at_ms: z
      .int()
      .min(0)
      .optional()
      .describe("When waiting ends, in Unix milliseconds. Default: never."),
    expires_after_ms: z.int().min(1).optional().describe("The same, counted from now."),
  })
  .refine((input) => input.expires_at_ms === undefined || input.expires_after_ms === undefined, {
    error: "give 'expires_at_ms' or 'expires_after_ms', not both",
  });

/** Questions with every default filled in. */
export function withDefaults(questions: readonly Question[]): UserQuestion[] {
  return questions.map((question, index) => ({
    id: question.id ?? `question-${index + 1}`,
    header: question.header ?? `Question ${index + 1}`,
    question: question.question,
    options: question.options.map(({ id, label, description, preview }, at) => ({
      id: id ?? `option-${at + 1}`,
      label,
      ...(description === undefined ? {} : { description }),
      ...(preview === undefined ? {} : { preview }),
    })),
    multi_select: question.multi_select,
  }));
}

function requireDistinct(given: Question[], context: z.RefinementCtx): void {
  const questions = withDefaults(given);
  const refuse = (path: PropertyKey[], value: string) =>
    context.addIssue({ code: "custom", path, message: `'${value}' is given twice` });
  const id = repeated(questions.map((question) => question.id));
  if (id !== undefined) refuse([id.index, "id"], id.value);
  const text = repeated(questions.map((question) => question.question.toLowerCase()));
  if (text !== undefined) refuse([text.index, "question"], text.value);
  for (const [index, { options }] of questions.entries()) {
    const optionId = repeated(options.map((option) => option.id));
    if (optionId !== undefined) refuse([index, "options", optionId.index, "id"], optionId.value);
    const label = repeated(options.map((option) => option.label.toLowerCase()));
    if (label !== undefined) refuse([index, "options", label.index, "label"], label.value);
  }
}

function repeated(values: string[]): { index: number; value: string } | undefined {
  const index = values.findIndex((value, at) => values.indexOf(value) < at);
  const value = values[index];
  return value === undefined ? undefined : { index, value };
}

const QUESTION_FIELDS = ["id", "header", "question", "text", "options", "multi_select"];

type Folded = { ok: true; input: Json } | { ok: false; error: string };

/** One question at top level becomes a list of one, and `text` becomes `question`. A `null` is no second form. */
export function foldQuestions(given: Json): Folded {
  if (!isObject(given)) return { ok: true, input: given };
  const input = withoutNulls(given);
  const own = QUESTION_FIELDS.filter((field) => field in input);
  if (own.length > 0 && "questions" in input)
    return {
      ok: false,
      error: `Invalid input at $: give 'questions' or the fields of one question, not both.`,
    };
  const folded = own.length > 0 ? shorthand(input) : input;
  if (!Array.isArray(folded.questions)) return { ok: true, input: folded };
  const questions = folded.questions.map((item) => (isObject(item) ? withoutNulls(item) : item));
  const twice = questions.findIndex((item) => isObject(item) && "text" in item && "question" in item);
  if (twice >= 0)
    return {
      ok: false,
      error: `Invalid input at $.questions[${twice}]: 'text' is an alias of 'question'; give one.`,
    };
  return { ok: true, input: { ...folded, questions: questions.map(withoutAlias) } };
}

function withoutNulls(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function shorthand(input: JsonObject): JsonObject {
  const isOwn = ([field]: [string, Json]) => QUESTION_FIELDS.includes(field);
  const fields = Object.entries(input);
  return {
    ...Object.fromEntries(fields.filter((field) => !isOwn(field))),
    questions: [Object.fromEntries(fields.filter(isOwn))],
  };
}

function withoutAlias(question: Json): Json {
  if (!isObject(question) || !("text" in question)) return question;
  const { text, ...rest } = question;
  return { ...rest, question: text ?? null };
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
