export { logBindings } from "./http.ts";
export { LogRing } from "./ring.ts";
