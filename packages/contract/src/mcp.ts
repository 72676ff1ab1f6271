import { z } from "zod";
import { Json, JsonObject, Millis } from "./json.ts";
import { SlotId } from "./secrets.ts";

/** Schemas that stand in many others have names, lest the types of the endpoint table become too long to write down. */
type SchemaOf<S extends object> = S;

const text = z.string().min(1);
const map = z.record(text, z.string());
const slots = z.record(text, SlotId);

/** What an entry may say of a server, whatever its transport. */
const common = {
  enabled: z.boolean().default(true).describe("false: the entry is skipped"),
  required: z.boolean().default(false).describe("true: the daemon does not start without it"),
  enabled_tools: z.array(text).optional().describe("upstream names; absent: all"),
  disabled_tools: z.array(text).optional().describe("upstream names; looked at after enabled_tools"),
  startup_timeout_sec: z.int().positive().max(600).default(10),
  tool_timeout_sec: z.int().positive().max(86_400).default(120),
};

const stdio = {
  command: text.optional().describe("a program: the server speaks over its standard input and output"),
  args: z.array(z.string()).default([]),
  env: map.default({}).describe("literal values; a secret belongs into a slot"),
  env_secret_refs: slots.default({}).describe("variable to secret slot"),
  inherit_env: z
    .boolean()
    .optional()
    .describe("true: the daemon's environment, without what holds a secret; default: a few harmless names"),
  cwd: text.optional().describe("default: the workspace root, which relative paths start from"),
};

const http = {
  url: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).optional(),
  headers: map.default({}).describe("literal values"),
  env_http_headers: map.default({}).describe("header to variable of the daemon"),
  http_header_secret_refs: slots.default({}).describe("header to secret slot"),
  bearer_token_env_var: text.optional(),
  bearer_token_secret_ref: SlotId.optional(),
  oauth_slot_ref: SlotId.optional().describe("begins with 'mcp.oauth.'"),
  oauth_resource: text.optional().describe("default: the URL"),
  oauth_scopes: z
    .array(z.string())
    .default([])
    .transform((scopes) => [...new Set(scopes.map((scope) => scope.trim()))].filter(Boolean).sort()),
};

/** One MCP server as it is configured: `[mcp_servers.<name>]` of a file, or the body of a hot add (03, MCP server entry). */
const mcpServerEntry = z
  .strictObject({ ...common, ...stdio, ...http })
  .superRefine((entry, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    const { command, url, inherit_env, env, env_secret_refs } = entry;
    if (command !== undefined && url !== undefined) refuse("url", "give 'command' or 'url', not both");
    for (const [name, value] of Object.entries(entry)) {
      const other = command === undefined ? stdio : http;
      if (
        name in other &&
        name !== "command" &&
        name !== "url" &&
        isSet(value) &&
        (command ?? url) !== undefined
      )
        refuse(name, `belongs to servers with a '${command === undefined ? "command" : "url"}'`);
    }
    if (inherit_env === true && Object.keys(env_secret_refs).length > 0)
      refuse("inherit_env", "cannot be true beside 'env_secret_refs'");
    for (const name of Object.keys(env_secret_refs))
      if (name in env) refuse("env_secret_refs", `'${name}' is in 'env' as well`);
    for (const name of [...Object.keys(env), ...Object.keys(env_secret_refs)])
      if (!/^[^=\0]+$/.test(name)) refuse("env", "a variable's name must not hold '=' or NUL");
    const headers = [entry.headers, entry.env_http_headers, entry.http_header_secret_refs]
      .flatMap((one) => Object.keys(one))
      .map((name) => name.toLowerCase());
    const twice = headers.find((name, at) => headers.indexOf(name) < at);
    if (twice !== undefined) refuse("headers", `'${twice}' has two sources`);
    const odd = headers.find((name) => !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name));
    if (odd !== undefined) refuse("headers", `'${odd}' is no header name`);
    if (entry.oauth_slot_ref?.startsWith("mcp.oauth.") === false)
      refuse("oauth_slot_ref", "must begin with 'mcp.oauth.'");
    if (url !== undefined && hasUserInfo(url)) refuse("url", "must not hold a user name or a password");
  })
  .meta({ id: "McpServerEntry" });
export interface McpServerEntrySchema extends SchemaOf<typeof mcpServerEntry> {}
export const McpServerEntry: McpServerEntrySchema = mcpServerEntry;
export type McpServerEntry = z.infer<typeof McpServerEntry>;

function isSet(value: unknown): boolean {
  if (value === undefined) return false;
  return typeof value === "object" && value !== null ? Object.keys(value).length > 0 : true;
}

function hasUserInfo(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username !== "" || password !== "";
}

/** A server's name: part of the names of its tools, and of audit targets. */
export const McpServerName = z
  .string()
  .max(64)
  .regex(/^[^\s/\p{C}]+$/u, "must be 1 to 64 printable characters without spaces or '/'");

export const McpTransport = z.enum(["stdio", "streamable_http"]);
export type McpTransport = z.infer<typeof McpTransport>;

/** How a server does right now; times are absent for what has not happened since the daemon started. */
export const McpServerHealth = z
  .object({
    state: z.enum([
      "connecting",
      "connected",
      "waiting_to_reconnect",
      "waiting_for_authorization",
      "stopped",
    ]),
    last_success_at_ms: Millis.optional().describe("the server last answered"),
    last_failure_at_ms: Millis.optional(),
    next_attempt_at_ms: Millis.optional().describe("when it is connected to again"),
    failed_attempts: z.int().nonnegative().describe("in a row"),
    protocol_version: z.string().optional(),
    server_version: z.string().optional().describe("name and version, as the server says"),
  })
  .meta({ id: "McpServerHealth" });
export type McpServerHealth = z.infer<typeof McpServerHealth>;

const mcpServerView = z
  .object({
    server: z.string(),
    source: z.enum(["codex_config", "built_in_catalog", "runtime_api"]),
    profiles: z.array(z.string()),
    catalog_entry_id: z.string().optional(),
    transport: McpTransport,
    required: z.boolean(),
    uses_credentials: z.boolean(),
    credential_secret_refs: z.array(z.string()),
    connected: z.boolean(),
    tools: z.array(z.string()).describe("qualified names"),
    error: z.string().optional(),
    instructions: z.string().optional().describe("of the server; untrusted"),
    health: McpServerHealth,
  })
  .meta({ id: "McpServerView" });
export interface McpServerViewSchema extends SchemaOf<typeof mcpServerView> {}
export const McpServerView: McpServerViewSchema = mcpServerView;
export type McpServerView = z.infer<typeof McpServerView>;

/** 03, MCP runtime snapshot. */
const mcpRuntimeSnapshot = z
  .object({
    config_path: z.string().optional(),
    selected_profiles: z.array(z.string()),
    servers: z.array(McpServerView),
    tool_names: z.array(z.string()),
  })
  .meta({ id: "McpRuntimeSnapshot" });
export interface McpRuntimeSnapshotSchema extends SchemaOf<typeof mcpRuntimeSnapshot> {}
export const McpRuntimeSnapshot: McpRuntimeSnapshotSchema = mcpRuntimeSnapshot;
export type McpRuntimeSnapshot = z.infer<typeof McpRuntimeSnapshot>;

/** `server` is the other name of `config`. */
const addMcpServerRequest = z
  .strictObject({
    name: McpServerName,
    config: McpServerEntry.optional(),
    server: McpServerEntry.optional(),
    reason: z.string().trim().min(1).max(1_000).optional(),
  })
  .refine(({ config, server }) => (config === undefined) !== (server === undefined), {
    path: ["config"],
    error: "give the server's entry, once, as 'config'",
  })
  .meta({ id: "AddMcpServerRequest", oneOf: [{ required: ["config"] }, { required: ["server"] }] });
export interface AddMcpServerRequestSchema extends SchemaOf<typeof addMcpServerRequest> {}
export const AddMcpServerRequest: AddMcpServerRequestSchema = addMcpServerRequest;
export type AddMcpServerRequest = z.infer<typeof AddMcpServerRequest>;

export const RemovedMcpServer = z
  .object({ name: z.string(), retired_tools: z.array(z.string()) })
  .meta({ id: "RemovedMcpServer" });
export type RemovedMcpServer = z.infer<typeof RemovedMcpServer>;

export const McpReloadResult = z
  .object({
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(z.string()),
    mcp: McpRuntimeSnapshot,
  })
  .meta({ id: "McpReloadResult" });
export type McpReloadResult = z.infer<typeof McpReloadResult>;

export const CallMcpToolRequest = z
  .strictObject({ input: JsonObject.default({}) })
  .meta({ id: "CallMcpToolRequest" });
export const McpToolCallResult = z
  .object({ tool_name: z.string(), output: Json })
  .meta({ id: "McpToolCallResult" });
export type McpToolCallResult = z.infer<typeof McpToolCallResult>;

export const McpCatalogEntryView = z.object({
  id: z.string(),
  server_name: z.string(),
  display_name: z.string(),
  description: z.string(),
  category: z.string(),
  profiles: z.array(z.string()),
  status: z.enum(["supported", "catalog_only"]),
  risk: z.enum([
    "read_only_docs",
    "read_mostly_workspace",
    "account_read_write",
    "browser_automation",
    "infrastructure_mutation",
  ]),
  auth: z.enum(["none", "optional_bearer", "bearer", "o_auth", "o_auth_client_app"]),
  transport: McpTransport,
  endpoint: z.string(),
  credential_env: z.array(z.string()),
  credential_secret_refs: z.array(z.string()),
  enabled_tools: z.array(z.string()),
  disabled_tools: z.array(z.string()),
  docs_url: z.string(),
});
export type McpCatalogEntryView = z.infer<typeof McpCatalogEntryView>;

export const McpProfileView = z.object({
  id: z.string(),
  display_name: z.string(),
  description: z.string(),
  entry_ids: z.array(z.string()),
});
export type McpProfileView = z.infer<typeof McpProfileView>;
