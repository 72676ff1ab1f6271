export { goalBindings } from "./http.ts";
export { goalAt } from "./view.ts";
