export { accountBindings } from "./http.ts";
export { AccountService } from "./service.ts";
