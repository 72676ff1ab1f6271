export { approvalBindings } from "./http.ts";
