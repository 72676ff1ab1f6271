export { sessionBindings } from "./http.ts";
export { SessionService } from "./service.ts";
export { agentSnapshot } from "./view.ts";
