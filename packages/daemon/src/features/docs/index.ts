export { docsBindings } from "./http.ts";
export { docsIn } from "./tree.ts";
