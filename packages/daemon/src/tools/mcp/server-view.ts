import type { McpServerView } from "@kheish/contract";
import type { Tool } from "../../engine/ports.ts";
import type { ServerHealth } from "./server-health.ts";
import { type ServerSpec, slotsOf, transportOf, usesCredentials } from "./spec.ts";

/** What an operator is shown of a server (03-R68). */
export function serverView(
  spec: ServerSpec,
  isConnected: boolean,
  tools: readonly Tool[],
  { error, instructions, record }: ServerHealth,
): McpServerView {
  return {
    server: spec.name,
    source: spec.source,
    profiles: [...spec.profiles],
    ...(spec.catalogEntryId === undefined ? {} : { catalog_entry_id: spec.catalogEntryId }),
    transport: transportOf(spec),
    required: spec.entry.required,
    uses_credentials: usesCredentials(spec),
    credential_secret_refs: slotsOf(spec),
    connected: isConnected,
    tools: tools.map(({ name }) => name),
    ...(error === undefined ? {} : { error }),
    ...(instructions === undefined ? {} : { instructions }),
    health: record,
  };
}
