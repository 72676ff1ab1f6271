import { UsageError } from "../errors.ts";

/** An endpoint's path with its parameters as percent-encoded segments. */
export function pathOf(template: string, params: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_match, name: string) => segment(name, params[name] ?? ""));
}

/** Dots and emptiness would silently address another resource: URLs drop such segments. */
function segment(name: string, value: string): string {
  if (["", ".", ".."].includes(value)) throw new UsageError(`'${value}' is no ${name.replaceAll("_", " ")}`);
  return encodeURIComponent(value);
}

/** `?a=b`, or nothing at all. */
export function queryOf(query: object): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}
