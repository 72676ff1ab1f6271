export { contractBindings } from "./http.ts";
