export { secretBindings } from "./http.ts";
