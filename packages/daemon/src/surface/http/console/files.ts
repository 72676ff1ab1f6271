import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** One file of the built console, ready to be sent. */
export interface ConsoleFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Absent where compression gains nothing. */
  readonly gzipped?: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  readonly etag: string;
  /** Its name changes with its content, so it may be kept for ever. */
  readonly immutable: boolean;
}

/** The console by path, without the leading slash. It is small and stands in memory. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

/** Loaded when somebody first asks: a daemon that nobody looks at spends nothing on it. */
export type Console = () => Promise<ConsoleFiles>;

const compress = promisify(gzip);

/** 08-S3. */
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".woff": "font/woff",
  ".ttf": "font/ttf",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
};
const COMPRESSIBLE = new Set([".html", ".js", ".mjs", ".css", ".json", ".map", ".svg", ".txt", ".wasm"]);

/** The bundler writes what it names by content into this folder. */
const HASHED = "assets/";

/** The built console in a directory; where none was built, a page that says how (08-S8). */
export function consoleIn(directory: string): Console {
  let loading: Promise<ConsoleFiles> | undefined;
  return () => {
    loading ??= load(directory);
    return loading;
  };
}

async function load(directory: string): Promise<ConsoleFiles> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const named = await Promise.all(
    files.map(async (path): Promise<[string, ConsoleFile]> => {
      const name = relative(directory, path).split(sep).join("/");
      return [name, await consoleFile(name, await readFile(path))];
    }),
  );
  const found = new Map(named);
  if (!found.has(INDEX)) found.set(INDEX, await consoleFile(INDEX, Buffer.from(PLACEHOLDER)));
  return found;
}

export const INDEX = "index.html";

async function consoleFile(name: string, content: Uint8Array): Promise<ConsoleFile> {
  const bytes = new Uint8Array(content);
  const extension = extname(name).toLowerCase();
  const gzipped = COMPRESSIBLE.has(extension) ? new Uint8Array(await compress(bytes)) : undefined;
  return {
    bytes,
    ...(gzipped !== undefined && gzipped.byteLength < bytes.byteLength && { gzipped }),
    contentType: TYPES[extension] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
    immutable: name.startsWith(HASHED),
  };
}

const PLACEHOLDER = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Kheish</title>
<h1>Kheish</h1>
<p>The daemon runs. Its console was not built: run <code>npm run build</code> and start the daemon again.</p>
<p>The API is at <a href="/v1/openapi.json">/v1/openapi.json</a>.</p>
`;
