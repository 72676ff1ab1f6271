import { z } from "zod";

type Schema = z.core.$ZodType;

/**
 * Parses what a caller sent; `null` in a field that may be left out counts as left out (01-R35). Many clients write
 * every field they know. `null` stays where the schema gives it a meaning, and stays wrong where a value is needed.
 */
export function parseSent<S extends z.ZodType>(schema: S, value: unknown): z.ZodSafeParseResult<z.output<S>> {
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed : schema.safeParse(withoutEmptyFields(schema, value));
}

/** The value without the nulls that say nothing. Walks the schema, so it ends where the schema knows no fields. */
function withoutEmptyFields(schema: Schema, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return mapped(value, (member, name) => {
        const field = Object.hasOwn(def.shape, name) ? def.shape[name] : undefined;
        if (field === undefined) return member;
        if (member === null && saysNothing(field)) return undefined;
        return withoutEmptyFields(field, member);
      });
    case "record":
      return mapped(value, (member) => withoutEmptyFields(def.valueType, member));
    case "array":
      return Array.isArray(value) ? value.map((item) => withoutEmptyFields(def.element, item)) : value;
    case "union":
      return inNearestForm(def.options, value);
    case "pipe":
      return withoutEmptyFields(def.in._zod.def.type === "transform" ? def.out : def.in, value);
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "readonly":
      return withoutEmptyFields(def.innerType, value);
    default:
      return value;
  }
}

/** May be left out, and has no meaning for `null`. */
function saysNothing(field: Schema): boolean {
  return field._zod.optin !== undefined && !accepts(field, null);
}

/** The form that fits; when none does, the one that the value's tag names, so that only what is wrong is told. */
function inNearestForm(forms: readonly Schema[], value: object): unknown {
  let tagged: unknown = value;
  for (const form of forms) {
    const emptied = withoutEmptyFields(form, value);
    if (accepts(form, emptied)) return emptied;
    if (isTagged(form, value)) tagged = emptied;
  }
  return tagged;
}

function isTagged(form: Schema, value: object): boolean {
  const tags = Object.entries(form._zod.propValues ?? {});
  const tagOf = (name: string) => Reflect.get(value, name) as z.core.util.Primitive;
  return tags.length > 0 && tags.every(([name, known]) => known.has(tagOf(name)));
}

function accepts(schema: Schema, value: unknown): boolean {
  return z.core.safeParse(schema, value).success;
}

/** Each member anew; one that becomes undefined goes. */
function mapped(value: object, change: (member: unknown, name: string) => unknown): unknown {
  if (Array.isArray(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [name, change(member, name)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}
