export { CATALOG, CATALOG_PROFILES } from "./catalog.ts";
export type { SlotState } from "./catalog-servers.ts";
export { McpConfigError } from "./config-error.ts";
export { mcpBindings } from "./http.ts";
export { type LoadedMcp, loadMcp, type McpSettings } from "./loader.ts";
export { McpService } from "./service.ts";
