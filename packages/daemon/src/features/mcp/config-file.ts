import { McpServerEntry, McpServerName } from "@kheish/contract";
import { parse, TomlError } from "smol-toml";
import type { ServerSpec } from "../../tools/mcp/index.ts";
import { McpConfigError } from "./config-error.ts";

/** A file that was named is the operator's, and a mistake in it an error; one that was found belongs to another program. */
export type Strictness = "named" | "found";

export interface ConfigFile {
  specs: ServerSpec[];
  /** What was left out, and why. */
  skipped: string[];
}

const KNOWN = new Set(Object.keys(McpServerEntry.shape));

/** Reads `[mcp_servers.<name>]` of a TOML file (03, MCP server entry); the rest of the file is another program's. */
export function readConfigFile(text: string, path: string, strictness: Strictness): ConfigFile {
  const servers = tableIn(parsed(text, path), "mcp_servers", path);
  const file: ConfigFile = { specs: [], skipped: [] };
  for (const [name, table] of Object.entries(servers)) {
    const read = readEntry(name, table, strictness);
    if (read.ok) {
      const { enabled, command, url } = read.entry;
      if (enabled && (command ?? url) !== undefined)
        file.specs.push({ name, entry: read.entry, source: "codex_config", profiles: [] });
      else if (enabled) file.skipped.push(`mcp_servers.${name} has neither 'command' nor 'url'`);
      continue;
    }
    if (strictness === "named") throw new McpConfigError(`${path}: ${read.message}`);
    file.skipped.push(read.message);
  }
  return file;
}

function parsed(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    // The lines that the parser quotes may hold a token: only their place is told.
    const at = error instanceof TomlError ? ` at line ${error.line}, column ${error.column}` : "";
    throw new McpConfigError(`${path} is no valid TOML${at}`);
  }
}

function tableIn(root: unknown, key: string, path: string): Record<string, unknown> {
  const table = (root as Record<string, unknown>)[key] ?? {};
  if (typeof table === "object" && !Array.isArray(table)) return table as Record<string, unknown>;
  throw new McpConfigError(`${path}: ${key} must be a table`);
}

type Read = { ok: true; entry: McpServerEntry } | { ok: false; message: string };

function readEntry(name: string, table: unknown, strictness: Strictness): Read {
  const where = `mcp_servers.${name}`;
  const named = McpServerName.safeParse(name);
  if (!named.success) return { ok: false, message: `${where}: the name ${named.error.issues[0]?.message}` };
  if (typeof table !== "object" || table === null) return { ok: false, message: `${where} must be a table` };
  const given = normalized(table as Record<string, unknown>);
  const own =
    strictness === "named"
      ? given
      : Object.fromEntries(Object.entries(given).filter(([key]) => KNOWN.has(key)));
  const entry = McpServerEntry.safeParse(own);
  if (entry.success) return { ok: true, entry: entry.data };
  const [issue] = entry.error.issues;
  const at = [where, ...(issue?.path ?? [])].join(".");
  const what =
    issue?.code === "unrecognized_keys"
      ? `unknown key '${issue.keys[0]}'; there are ${[...KNOWN].sort().join(", ")}`
      : issue?.message;
  return { ok: false, message: `${at}: ${what}` };
}

/** Codex calls literal headers `http_headers`, and takes parts of a second. */
function normalized(table: Record<string, unknown>): Record<string, unknown> {
  const { http_headers, ...rest } = table;
  const wholeSeconds = (key: string) => {
    const value = rest[key];
    return typeof value === "number" ? { [key]: Math.ceil(value) } : {};
  };
  return {
    ...rest,
    ...(http_headers === undefined ? {} : { headers: http_headers }),
    ...wholeSeconds("startup_timeout_sec"),
    ...wholeSeconds("tool_timeout_sec"),
  };
}
