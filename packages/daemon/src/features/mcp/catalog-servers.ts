import { McpServerEntry } from "@kheish/contract";
import type { ServerSpec } from "../../tools/mcp/index.ts";
import { CATALOG, CATALOG_PROFILES } from "./catalog.ts";
import { McpConfigError } from "./config-error.ts";

/** Whether a slot can be used now. */
export type SlotState = (slotId: string) => "usable" | "missing" | "revoked";

/**
 * The servers of the selected profiles (03-R58). Credentials come from secret slots only, never from the environment
 * (03-R63); an entry whose slot was revoked is left out (03-R61), and one whose credential is optional goes without.
 */
export function catalogServers(profiles: readonly string[], slotState: SlotState): ServerSpec[] {
  const known = new Set(CATALOG_PROFILES.map(({ id }) => id));
  const unknown = profiles.find((id) => !known.has(id));
  if (unknown !== undefined)
    throw new McpConfigError(`there is no MCP profile '${unknown}': take one of ${[...known].join(", ")}`);
  const selected = CATALOG.filter((entry) => entry.profiles.some((id) => profiles.includes(id)));
  const supported = selected.filter(({ status }) => status === "supported");
  if (profiles.length > 0 && supported.length === 0)
    throw new McpConfigError(
      `the MCP profiles ${profiles.join(", ")} have no entry that is supported: configure the server yourself, 'kheish mcp catalog list' has its details`,
    );
  return supported.flatMap((entry): ServerSpec[] => {
    const [slot] = entry.credential_secret_refs;
    const state = slot === undefined ? "missing" : slotState(slot);
    if (state === "revoked") return [];
    const { enabled_tools, endpoint: url } = entry;
    return [
      {
        name: entry.server_name,
        source: "built_in_catalog",
        profiles: entry.profiles.filter((id) => profiles.includes(id)),
        catalogEntryId: entry.id,
        entry: McpServerEntry.parse({
          url,
          ...(enabled_tools.length === 0 ? {} : { enabled_tools }),
          ...(state === "usable" && slot !== undefined ? { bearer_token_secret_ref: slot } : {}),
        }),
      },
    ];
  });
}
