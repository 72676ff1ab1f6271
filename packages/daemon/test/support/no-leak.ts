import type { Dirent } from "node:fs";
import { copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

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
/** How a SQLite database begins. */
const SQLITE = Buffer.from("SQLite format 3\0");

/**
 * Searches everything for each secret, as it is and in the encodings in which it travels: base64 and base64url at any
 * place in what was encoded, URL-encoded, hex, and escaped in JSON once and twice. Of a SQLite database it searches the
 * pages, with what was deleted, and the values.
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
    for await (const file of filesIn(directory)) {
      const content = await readFile(file);
      search(file, content);
      // A value larger than a page lies in pieces, between which a secret can be cut: each is searched as a whole, too.
      if (content.subarray(0, SQLITE.length).equals(SQLITE))
        for await (const [table, value] of valuesIn(file)) search(`${file} ${table}`, value);
    }
  return leaks;
}

/** What a running process was given as its environment, as the system shows it to whoever may look. */
export function environmentOf(pid: number): Promise<Buffer> {
  return readFile(`/proc/${pid}/environ`);
}

/** Every process below another one, however deep. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // One that has ended since is nobody's child.
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    parents.set(Number(name), Number(/^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1] ?? 0));
  }
  const isBelow = (one: number): boolean => {
    const parent = parents.get(one);
    return parent !== undefined && parent !== 0 && (parent === pid || isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
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

/** Every value of a database and of the log beside it, with its table's name; read from a copy, so that nothing changes. */
async function* valuesIn(file: string): AsyncGenerator<[string, Uint8Array]> {
  const directory = await mkdtemp(join(tmpdir(), "kheish-no-leak-"));
  try {
    const copy = join(directory, basename(file));
    for (const end of ["", "-wal"]) await copyFile(`${file}${end}`, `${copy}${end}`).catch(ignoreMissing);
    const db = new DatabaseSync(copy);
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    for (const { name } of tables)
      for (const row of db.prepare(`SELECT * FROM "${String(name)}"`).iterate())
        for (const value of Object.values(row))
          if (typeof value === "string") yield [String(name), Buffer.from(value)];
          else if (value instanceof Uint8Array) yield [String(name), value];
    db.close();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

async function* filesIn(directory: string): AsyncGenerator<string> {
  const entries: Dirent[] = await readdir(directory, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.isFile()) yield path;
  }
}
