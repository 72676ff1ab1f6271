import { KheishError } from "../errors.ts";

/** An endpoint's path with its parameters as percent-encoded segments; `{*name}` is several, as its value has them. */
export function pathOf(template: string, params: Readonly<Record<string, string>> = {}): string {
  return template.replace(/\{(\*?)(\w+)\}/g, (_match, several: string, name: string) => {
    const value = params[name];
    const parts = several === "" ? [value] : (value ?? "").split("/");
    return parts.map((part) => segment(name, part)).join("/");
  });
}

/** Dots and emptiness would silently address another resource: URLs drop such segments. */
function segment(name: string, value: string | undefined): string {
  if (value === undefined || ["", ".", ".."].includes(value))
    throw new KheishError(`'${value ?? ""}' is no ${name}`);
  return encodeURIComponent(value);
}

/** `?a=b`, or nothing at all; what is undefined is left out. */
export function queryOf(query: object = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return "";
  return `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}
