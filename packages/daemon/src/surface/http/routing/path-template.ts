import { problem } from "@kheish/contract";

interface Segment {
  /** The literal text, or the name of the parameter that stands here. */
  text: string;
  parameter: boolean;
  /** Takes all segments that are left: `{*name}`. */
  rest: boolean;
}

/** A path of the endpoint table: literals and `{parameters}`, one segment each; `{*name}` at its end is the rest of the path. */
export class PathTemplate {
  readonly source: string;
  readonly #segments: readonly Segment[];

  constructor(source: string) {
    this.source = source;
    this.#segments = source.split("/").map((part) => {
      const parameter = part.startsWith("{") && part.endsWith("}");
      const rest = part.startsWith("{*");
      return { text: parameter ? part.slice(rest ? 2 : 1, -1) : part, parameter, rest };
    });
  }

  get parameters(): string[] {
    return this.#segments.filter((segment) => segment.parameter).map((segment) => segment.text);
  }

  /** The same path in Hono's notation. */
  get honoPath(): string {
    return this.#segments
      .map(({ text, parameter, rest }) => (rest ? `:${text}{.+}` : parameter ? `:${text}` : text))
      .join("/");
  }

  /** Whether a raw path has this shape. An empty segment counts, so that it can be refused by name. */
  matches(path: string): boolean {
    const parts = this.#split(path);
    return (
      parts.length === this.#segments.length &&
      this.#segments.every((segment, index) => segment.parameter || segment.text === parts[index])
    );
  }

  /** The decoded parameters of a raw path that matches. */
  read(path: string): Record<string, string> {
    const parts = this.#split(path);
    const values: Record<string, string> = {};
    for (const [index, { text, parameter }] of this.#segments.entries())
      if (parameter) values[text] = decode(text, parts[index] ?? "");
    return values;
  }

  /** One part a segment. */
  #split(path: string): string[] {
    const parts = path.split("/");
    if (this.#segments.at(-1)?.rest !== true) return parts;
    const literal = this.#segments.length - 1;
    return parts.length <= literal ? parts : [...parts.slice(0, literal), parts.slice(literal).join("/")];
  }
}

function decode(name: string, raw: string): string {
  if (raw === "") throw invalid(name, "must not be empty");
  try {
    return decodeURIComponent(raw);
  } catch {
    throw invalid(name, "is not percent-encoded UTF-8");
  }
}

function invalid(name: string, message: string) {
  return problem("api", "request_path_invalid", `the path segment '${name}' ${message}`, {
    errors: [{ path: `/${name}`, message }],
  });
}
