export { type Presented, presentedIn } from "./credentials.ts";
export { browserSessionBindings } from "./http.ts";
export { type Behind, BrowserSessionService } from "./service.ts";
