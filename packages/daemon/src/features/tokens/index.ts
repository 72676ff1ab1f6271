export { tokenBindings } from "./http.ts";
export { TokenService } from "./service.ts";
