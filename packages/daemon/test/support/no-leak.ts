import type { Dirent } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A secret that stands where it must not. Never holds the secret itself. */
export interface Leak {
  /** Which of the secrets, by the name that the test gave it. */
  secret: string;
  encoding: string;
  where: string;
}

export interface Evidence {
  /** Directories of which every file is searched, however deep: state roots, workspaces, logs. */
  directories?: readonly string[];
  /** Answers, events, output: by a name that says where they came from. */
  texts?: Readonly<Record<string, string | Uint8Array>>;
}

/** Shorter ones are found by chance. */
const SHORTEST = 8;

/**
 * Searches everything for each secret, as it is and in the encodings in which it travels: base64 and base64url at any
 * place in what was encoded, URL-encoded, hex, and escaped in JSON once and twice.
 */
export async function findLeaks(
  secrets: Readonly<Record<string, string>>,
  { directories = [], texts = {} }: Evidence,
): Promise<Leak[]> {
  const needles = Object.entries(secrets).flatMap(([secret, value]) =>
    Object.entries(encodingsOf(value)).map(([encoding, text]) => ({
      secret,
      encoding,
      bytes: Buffer.from(text),
    })),
  );
  const leaks: Leak[] = [];
  const search = (where: string, content: Uint8Array) => {
    const haystack = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    for (const { secret, encoding, bytes } of needles)
      if (haystack.includes(bytes)) leaks.push({ secret, encoding, where });
  };
  for (const [where, text] of Object.entries(texts)) search(where, Buffer.from(text));
  for (const directory of directories)
    for await (const file of filesIn(directory)) search(file, await readFile(file));
  return leaks;
}

/** Every way to write a value, by name; edges that depend on what stands beside it are cut off. */
export function encodingsOf(value: string): Record<string, string> {
  if (value.length < SHORTEST)
    throw new Error(`a secret of ${value.length} characters would be found by chance`);
  const json = JSON.stringify(value).slice(1, -1);
  return {
    raw: value,
    url: encodeURIComponent(value),
    form: new URLSearchParams({ v: value }).toString().slice(2),
    hex: Buffer.from(value).toString("hex"),
    json,
    json_in_json: JSON.stringify(json).slice(1, -1),
    ...base64At(value, 0),
    ...base64At(value, 1),
    ...base64At(value, 2),
  };
}

/** What is left of a value's base64, wherever it begins in what was encoded: the characters it decides alone. */
function base64At(value: string, offset: 0 | 1 | 2): Record<string, string> {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
  const first = [0, 2, 3][offset] ?? 0;
  const last = Math.floor((bytes.length * 8) / 6);
  const text = bytes.toString("base64").slice(first, last);
  return {
    [`base64_at_${offset}`]: text,
    [`base64url_at_${offset}`]: text.replaceAll("+", "-").replaceAll("/", "_"),
  };
}

async function* filesIn(directory: string): AsyncGenerator<string> {
  const entries: Dirent[] = await readdir(directory, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.isFile()) yield path;
  }
}
