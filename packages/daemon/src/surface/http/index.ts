/** The control plane over HTTP: it validates, authorises and renders; what to answer is up to the bindings. */
export { createHttpApp } from "./app.ts";
export { ServeConfigError } from "./config-error.ts";
export { consoleIn } from "./console/files.ts";
export type { HttpOptions } from "./options.ts";
export type { AuthMode, AuthSettings } from "./security/auth-settings.ts";

export type { BindAddress } from "./security/bind-address.ts";
export { isLoopbackHost } from "./security/bind-address.ts";
export type { BrowserSessions } from "./security/browser-sessions.ts";
export { checkHttpSettings } from "./security/check-settings.ts";
export type { ControlPlaneStatus } from "./security/control-plane-status.ts";
export { controlPlaneStatus } from "./security/control-plane-status.ts";
export type { CorsSettings } from "./security/cors-policy.ts";
export type { NamedTokens } from "./security/named-tokens.ts";
export type { SecurityEvent } from "./security/refusal-log.ts";
export { type HttpServer, startHttpServer } from "./server/server.ts";
