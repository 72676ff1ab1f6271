export { ruleBindings } from "./http.ts";
