import { problem } from "@kheish/contract";
import type { Context } from "hono";
import type { HttpEnv } from "../http-env.ts";
import { type Console, type ConsoleFile, type ConsoleFiles, INDEX } from "./files.ts";

/** The API and the probes are never answered with a page (08-S1). */
const RESERVED = /^\/(?:v1|healthz|readyz|metrics)(?:\/|$)/;

/**
 * What pages may do: run the console's own scripts and talk to this daemon. Nothing inline, nothing from elsewhere, in
 * no frame.
 */
const HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    // A picture that asks for a token is fetched by a script, and shown from memory.
    "img-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  vary: "accept-encoding, origin",
};
const A_YEAR = "public, max-age=31536000, immutable";

/** Whether a request that no endpoint took is one for the console. */
export function isForConsole(method: string, path: string): boolean {
  return (method === "GET" || method === "HEAD") && !RESERVED.test(path);
}

/** A file of the console, or its entry for each path that is a page of it (08-S2 to S7). Nobody is asked for a token. */
export async function consoleAnswer(c: Context<HttpEnv>, console: Console): Promise<Response> {
  c.set("route", "console");
  const file = fileFor(c.req.path, await console());
  if (file === undefined) throw problem("console", "asset_not_found", "the console has no such file");
  const headers = {
    ...HEADERS,
    "content-type": file.contentType,
    etag: file.etag,
    "cache-control": file.immutable ? A_YEAR : "no-cache",
  };
  if (c.req.header("if-none-match") === file.etag) return c.body(null, 304, headers);
  const acceptsGzip = /\bgzip\b/.test(c.req.header("accept-encoding") ?? "");
  if (file.gzipped === undefined || !acceptsGzip) return c.body(file.bytes, 200, headers);
  return c.body(file.gzipped, 200, { ...headers, "content-encoding": "gzip" });
}

function fileFor(path: string, files: ConsoleFiles): ConsoleFile | undefined {
  const name = decoded(path.slice(1));
  if (name === undefined || name.includes("..")) return undefined;
  const exact = files.get(name === "" ? INDEX : name);
  if (exact !== undefined) return exact;
  const lastSegment = name.slice(name.lastIndexOf("/") + 1);
  return lastSegment.includes(".") ? undefined : files.get(INDEX);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
