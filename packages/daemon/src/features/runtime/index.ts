export { runtimeBindings } from "./http.ts";
export { RuntimeSettings } from "./settings.ts";
export { StatusService, type StatusSources } from "./status.ts";
