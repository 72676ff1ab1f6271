import type { Json, JsonObject, QuestionAnswer, UserQuestion } from "@kheish/contract";
import { isObject } from "./input-schema.ts";
import { cutText } from "./json-limits.ts";

/**
 * A form that a server wants filled in, as the daemon's questions. MCP has flat forms of text, numbers, yes or no, and
 * choices; a question has two to four options and takes an answer in words.
 */
export interface Field {
  name: string;
  label: string;
  kind: "text" | "number" | "integer" | "boolean" | "choice" | "choices";
  required: boolean;
  /** Of a choice. */
  values: { value: string; label: string }[];
  default?: Json;
  schema: JsonObject;
}

/** Ids of options that stand for no value. A field's values have ids of their own: `value-{n}`. */
export const SKIP = "skip";
export const DECLINE = "decline";
export const CANCEL = "cancel";
const DEFAULT = "default";
const VALUE = "value-";

const MAX_LABEL_CHARS = 300;
const MAX_OPTIONS = 4;

/** The fields of a form; one of a kind that forms do not have is asked for as text. */
export function fieldsOf(schema: unknown): Field[] {
  if (!isObject(schema) || !isObject(schema.properties)) return [];
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  return Object.entries(schema.properties).map(([name, property]) => {
    const own = isObject(property) ? property : {};
    const values = valuesOf(isObject(own.items) ? own.items : own);
    return {
      name,
      label: labelOf(name, own),
      kind: kindOf(own, values),
      required: required.has(name),
      values,
      ...(own.default === undefined ? {} : { default: own.default }),
      schema: own,
    };
  });
}

function labelOf(name: string, { title, description }: JsonObject): string {
  const head = typeof title === "string" && title !== "" ? title : name;
  const text = typeof description === "string" && description !== "" ? `${head}: ${description}` : head;
  return cutText(text, MAX_LABEL_CHARS);
}

function kindOf({ type }: JsonObject, values: Field["values"]): Field["kind"] {
  if (type === "boolean" || type === "number" || type === "integer") return type;
  if (values.length === 0) return "text";
  return type === "array" ? "choices" : "choice";
}

/** `enum` with `enumNames`, or the titled `oneOf` and `anyOf`. */
function valuesOf(schema: JsonObject): Field["values"] {
  const titled = schema.oneOf ?? schema.anyOf;
  if (Array.isArray(titled)) {
    return titled.flatMap((one) =>
      isObject(one) && typeof one.const === "string"
        ? [{ value: one.const, label: typeof one.title === "string" ? one.title : one.const }]
        : [],
    );
  }
  const { enum: values, enumNames: names } = schema;
  if (!Array.isArray(values)) return [];
  return values.flatMap((value, at) => {
    const name = Array.isArray(names) ? names[at] : undefined;
    return typeof value === "string" ? [{ value, label: typeof name === "string" ? name : value }] : [];
  });
}

/** How a field is asked for; `problem` says why an earlier answer would not do. */
export function questionFor(field: Field, problem: string | undefined): UserQuestion {
  const hint = hintOf(field);
  const text = [problem, field.label, hint].filter((part) => part !== undefined).join(" ");
  return {
    id: field.name,
    header: cutText(field.name, 40),
    question: text,
    options: optionsOf(field),
    multi_select: field.kind === "choices",
  };
}

function hintOf({ kind, values, required }: Field): string | undefined {
  const optional = required ? "" : ", optional";
  if (values.length > MAX_OPTIONS - 1)
    return `(one of ${values.map(({ label }) => label).join(", ")}${optional})`;
  if (kind === "number" || kind === "integer")
    return `(a${kind === "integer" ? " whole" : ""} number${optional})`;
  return kind === "text" ? `(in words${optional})` : undefined;
}

function optionsOf(field: Field): UserQuestion["options"] {
  const offered: UserQuestion["options"] =
    field.kind === "boolean"
      ? [
          { id: `${VALUE}0`, label: "Yes" },
          { id: `${VALUE}1`, label: "No" },
        ]
      : field.values
          .slice(0, field.required ? MAX_OPTIONS : MAX_OPTIONS - 1)
          .map(({ label }, at) => ({ id: `${VALUE}${at}`, label }));
  if (offered.length === 0 && field.default !== undefined)
    offered.push({ id: DEFAULT, label: cutText(`Take ${JSON.stringify(field.default)}`, MAX_LABEL_CHARS) });
  if (!field.required && offered.length < MAX_OPTIONS)
    offered.push({ id: SKIP, label: "Leave it out", description: "The field is optional" });
  if (offered.length < MAX_OPTIONS)
    offered.push({ id: DECLINE, label: "Decline", description: "Do not give the server what it asks for" });
  if (offered.length < 2) offered.push({ id: CANCEL, label: "Cancel", description: "Decide nothing now" });
  return offered;
}

export type FieldAnswer =
  | { kind: "value"; value: Json }
  | { kind: "skipped" }
  | { kind: "refused"; action: "decline" | "cancel" }
  /** It will not do: why. */
  | { kind: "invalid"; problem: string };

/** What somebody's answer means for the field. */
export function readAnswer(field: Field, answer: QuestionAnswer): FieldAnswer {
  const chosen = answer.selected_option_ids;
  const words = answer.freeform_answer?.trim() ?? "";
  if (chosen.includes(DECLINE)) return { kind: "refused", action: "decline" };
  if (chosen.includes(CANCEL)) return { kind: "refused", action: "cancel" };
  if (chosen.includes(SKIP)) return { kind: "skipped" };
  if (chosen.includes(DEFAULT) && field.default !== undefined) return { kind: "value", value: field.default };
  const places = chosen.map((id) => Number(id.replace(VALUE, "")));
  const [place] = places;
  const picked = places.flatMap((at) => field.values[at]?.value ?? []);
  switch (field.kind) {
    case "boolean":
      return place === undefined ? yesOrNo(words) : { kind: "value", value: place === 0 };
    case "choices":
      return readChoices(field, [...picked, ...namedIn(words)]);
    case "choice":
      return readChoice(field, picked[0] ?? words);
    case "number":
    case "integer":
      return readNumber(field, words);
    case "text":
      return readText(field, words);
  }
}

const YES = /^(y|yes|true|1)$/i;
const NO = /^(n|no|false|0)$/i;

function yesOrNo(words: string): FieldAnswer {
  if (YES.test(words)) return { kind: "value", value: true };
  return NO.test(words) ? { kind: "value", value: false } : invalid("Answer yes or no.");
}

function namedIn(words: string): string[] {
  return words === "" ? [] : words.split(",").map((one) => one.trim());
}

function valueNamed({ values }: Field, words: string): string | undefined {
  const wanted = words.toLowerCase();
  const found = values.find(
    ({ value, label }) => value.toLowerCase() === wanted || label.toLowerCase() === wanted,
  );
  return found?.value;
}

function readChoice(field: Field, words: string): FieldAnswer {
  const value = valueNamed(field, words);
  return value === undefined
    ? invalid(`'${cutText(words, 80)}' is none of the choices.`)
    : { kind: "value", value };
}

function readChoices(field: Field, named: readonly string[]): FieldAnswer {
  const values = named.map((one) => valueNamed(field, one));
  const unknown = values.indexOf(undefined);
  if (unknown >= 0) return invalid(`'${cutText(named[unknown] ?? "", 80)}' is none of the choices.`);
  const distinct = [...new Set(values)].filter((value) => value !== undefined);
  const { minItems, maxItems } = field.schema;
  if (typeof minItems === "number" && distinct.length < minItems)
    return invalid(`Choose at least ${minItems}.`);
  if (typeof maxItems === "number" && distinct.length > maxItems)
    return invalid(`Choose at most ${maxItems}.`);
  return { kind: "value", value: distinct };
}

function readNumber({ kind, schema }: Field, words: string): FieldAnswer {
  const value = words === "" ? Number.NaN : Number(words);
  if (!Number.isFinite(value)) return invalid(`'${cutText(words, 80)}' is no number.`);
  if (kind === "integer" && !Number.isInteger(value)) return invalid(`'${words}' is no whole number.`);
  const { minimum, maximum } = schema;
  if (typeof minimum === "number" && value < minimum) return invalid(`It must be at least ${minimum}.`);
  if (typeof maximum === "number" && value > maximum) return invalid(`It must be at most ${maximum}.`);
  return { kind: "value", value };
}

function readText({ schema }: Field, words: string): FieldAnswer {
  const { minLength, maxLength } = schema;
  if (typeof minLength === "number" && words.length < minLength)
    return invalid(`It needs at least ${minLength} characters.`);
  if (typeof maxLength === "number" && words.length > maxLength)
    return invalid(`It may have at most ${maxLength} characters.`);
  return words === "" ? invalid("An answer in words is needed.") : { kind: "value", value: words };
}

function invalid(problem: string): FieldAnswer {
  return { kind: "invalid", problem };
}
