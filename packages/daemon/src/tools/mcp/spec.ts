import type { McpServerEntry, McpServerView, McpTransport } from "@kheish/contract";

/** One configured server and where its entry comes from. */
export interface ServerSpec {
  name: string;
  entry: McpServerEntry;
  source: McpServerView["source"];
  profiles: readonly string[];
  catalogEntryId?: string;
  /** A token that was imported together with the entry. */
  importedBearer?: string;
}

export function transportOf({ entry }: ServerSpec): McpTransport {
  return entry.command === undefined ? "streamable_http" : "stdio";
}

/** Every slot that the server needs, sorted. */
export function slotsOf({ entry }: ServerSpec): string[] {
  const one = [entry.bearer_token_secret_ref, entry.oauth_slot_ref].filter((slot) => slot !== undefined);
  const many = [...Object.values(entry.env_secret_refs), ...Object.values(entry.http_header_secret_refs)];
  return [...new Set([...one, ...many])].sort();
}

/** Whether what it may do depends on somebody's credential. */
export function usesCredentials(spec: ServerSpec): boolean {
  const { entry } = spec;
  return (
    slotsOf(spec).length > 0 ||
    entry.bearer_token_env_var !== undefined ||
    spec.importedBearer !== undefined ||
    Object.keys(entry.env_http_headers).length > 0
  );
}

/** The allow list first, then the deny list, on upstream names. */
export function isOffered({ enabled_tools, disabled_tools }: McpServerEntry, tool: string): boolean {
  return (enabled_tools?.includes(tool) ?? true) && disabled_tools?.includes(tool) !== true;
}
