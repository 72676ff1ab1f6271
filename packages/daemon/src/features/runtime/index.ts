export { settingsBindings } from "./config/http.ts";
export { RuntimeSettings } from "./config/settings.ts";
export { controlPlaneWarnings } from "./control-plane-warnings.ts";
export { permissionBindings, statusBindings } from "./http.ts";
export { PermissionExplainer } from "./permissions.ts";
export { StatusService, type StatusSources } from "./status.ts";
export { StorageStatus } from "./storage-status.ts";
