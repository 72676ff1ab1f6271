export { routeBindings } from "./http.ts";
export { RouteService, type RouteServiceDeps } from "./service.ts";
export { type SlotWriter, vaultSlots } from "./slots.ts";
