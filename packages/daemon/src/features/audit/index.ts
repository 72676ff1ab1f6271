export { auditBindings } from "./http.ts";
