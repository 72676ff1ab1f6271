/** What kind of text an answer is, as its media type says; undefined for what is no text (03-R17). */
export type TextKind = "html" | "xml" | "text";

const HTML = new Set(["text/html", "application/xhtml+xml"]);
const XML = /^(?:(?:text|application)\/xml|[^/]+\/[^/]+\+xml)$/;
const TEXT = /^(?:text\/[^/]+|application\/json|[^/]+\/[^/]+\+json)$/;

export interface MediaType {
  /** Lower case, without parameters; empty when the answer names none. */
  name: string;
  charset?: string;
}

export function mediaTypeOf(header: string | null): MediaType {
  const [name = "", ...parameters] = (header ?? "").split(";");
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/i.exec(parameter)?.[1])
    .find((value) => value !== undefined);
  return { name: name.trim().toLowerCase(), ...(charset === undefined ? {} : { charset }) };
}

export function textKind({ name }: MediaType): TextKind | undefined {
  if (HTML.has(name)) return "html";
  if (XML.test(name)) return "xml";
  return TEXT.test(name) ? "text" : undefined;
}
