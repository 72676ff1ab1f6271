import type { TextSource } from "./key.ts";

/** Literals that an operator wants taken out of evidence, besides the secrets that the daemon knows (02-R94). */
export type RedactTokens =
  | { ok: true; source?: "inline" | "file"; tokens: string[] }
  | { ok: false; source: "inline" | "file"; why: string };

/** One a line, inline also separated by commas. Read anew each time, so that a file may vanish and come back. */
export async function readRedactTokens({ inline, file, readFile }: TextSource): Promise<RedactTokens> {
  if (inline === undefined && file === undefined) return { ok: true, tokens: [] };
  if (inline !== undefined && file !== undefined) {
    return { ok: false, source: "inline", why: "they are given inline and as a file" };
  }
  if (inline !== undefined) return { ok: true, source: "inline", tokens: tokensIn(inline, /[\n,]/) };
  const text = await readFile(file ?? "").catch(() => undefined);
  if (text === undefined) return { ok: false, source: "file", why: "their file cannot be read" };
  return { ok: true, source: "file", tokens: tokensIn(text, /\n/) };
}

function tokensIn(text: string, separator: RegExp): string[] {
  return text
    .split(separator)
    .map((token) => token.trim())
    .filter((token) => token !== "");
}
