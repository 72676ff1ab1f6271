export { routeBindings } from "./http.ts";
export { RouteService, type RouteServiceDeps, type SlotWriter } from "./service.ts";
