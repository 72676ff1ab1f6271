import type { Json } from "@kheish/contract";
import { canonical } from "../ledger.ts";
import type { ArraySchema, ContractSchema, ObjectSchema } from "./schema.ts";

export type Conformed =
  /** Canonical JSON of the value without optional fields that were null: minified, keys sorted. */
  { ok: true; text: string } | { ok: false; mismatch: string };

/** Reads a text as exactly one JSON value of a schema, or answers the first mismatch with its JSON path (01-R35). */
export function conform(schema: ContractSchema, text: string): Conformed {
  const parsed = parse(unfenced(text));
  if (parsed === undefined) return { ok: false, mismatch: "$: not exactly one JSON value" };
  const checked = check(schema, parsed.value, "$");
  return checked.ok ? { ok: true, text: canonical(checked.value) } : checked;
}

function parse(text: string): { value: Json } | undefined {
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return undefined;
  }
}

/** Without the one code fence that may stand around the value. */
function unfenced(text: string): string {
  const trimmed = text.trim();
  const firstLine = trimmed.indexOf("\n");
  const fenced = trimmed.startsWith("```") && trimmed.endsWith("```") && firstLine >= 0;
  return fenced ? trimmed.slice(firstLine + 1, -3) : trimmed;
}

type Checked = { ok: true; value: Json } | { ok: false; mismatch: string };

function check(schema: ContractSchema, value: Json, path: string): Checked {
  switch (schema.type) {
    case "object":
      return checkObject(schema, value, path);
    case "array":
      return checkArray(schema, value, path);
    case "string":
    case "boolean":
      return typeof value === schema.type ? { ok: true, value } : expected(schema.type, value, path);
    case "number":
    case "integer":
      // JSON has numbers that no double can hold.
      return Number.isFinite(value) ? { ok: true, value } : expected("number", value, path);
    case "null":
      return value === null ? { ok: true, value } : expected("null", value, path);
  }
}

/** A present null in an optional field counts as absent, and is left out; an unknown field is an error (01-R35). */
function checkObject(schema: ObjectSchema, value: Json, path: string): Checked {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return expected("object", value, path);
  const properties = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  const kept: [string, Json][] = [];
  for (const [name, property] of properties) {
    const field = Object.hasOwn(value, name) ? value[name] : undefined;
    const at = memberPath(path, name);
    if (field === undefined && required.has(name))
      return { ok: false, mismatch: `${at}: this field is required` };
    if (field === undefined || (field === null && !required.has(name))) continue;
    const checked = check(property, field, at);
    if (!checked.ok) return checked;
    kept.push([name, checked.value]);
  }
  const known = new Set(properties.map(([name]) => name));
  const unknown = Object.keys(value).find((name) => !known.has(name));
  if (unknown !== undefined) return { ok: false, mismatch: `${memberPath(path, unknown)}: unknown field` };
  return { ok: true, value: Object.fromEntries(kept) };
}

function checkArray(schema: ArraySchema, value: Json, path: string): Checked {
  if (!Array.isArray(value)) return expected("array", value, path);
  const kept: Json[] = [];
  for (const [index, item] of value.entries()) {
    const checked = check(schema.items, item, `${path}[${index}]`);
    if (!checked.ok) return checked;
    kept.push(checked.value);
  }
  return { ok: true, value: kept };
}

function expected(type: string, value: Json, path: string): Checked {
  return { ok: false, mismatch: `${path}: expected ${type}, found ${nameOf(value)}` };
}

function nameOf(value: Json): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** `$.name`; a name that is no identifier is quoted. */
function memberPath(path: string, name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}
