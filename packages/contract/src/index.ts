/**
 * The wire of Kheish: schemas, endpoint table and typed problems, and no I/O.
 * Daemon, CLI, SDK, console and the OpenAPI document all read this package, so they cannot disagree.
 */
export * from "./access.ts";
export * from "./accounts.ts";
export * from "./approvals.ts";
export * from "./audit.ts";
export * from "./auth-broker.ts";
export * from "./backups.ts";
export * from "./browser-sessions.ts";
export * from "./budgets.ts";
export * from "./contracts.ts";
export * from "./docs.ts";
export * from "./endpoints/index.ts";
export * from "./events.ts";
export * from "./goals.ts";
export * from "./hook-payloads.ts";
export * from "./hooks.ts";
export * from "./json.ts";
export * from "./logs.ts";
export * from "./mcp.ts";
export * from "./nulls.ts";
export * from "./oauth-url.ts";
export * from "./pagination.ts";
export * from "./permission-match.ts";
export * from "./permissions.ts";
export * from "./policies.ts";
export * from "./problem-details.ts";
export * from "./problems.ts";
export * from "./questions.ts";
export * from "./routes.ts";
export * from "./run-status.ts";
export * from "./runs.ts";
export * from "./runtime.ts";
export * from "./runtime-settings.ts";
export * from "./sandbox.ts";
export * from "./secrets.ts";
export * from "./sessions.ts";
export * from "./skills.ts";
export * from "./tasks.ts";
export * from "./tokens.ts";
export * from "./tool-limits.ts";
export * from "./whoami.ts";

/** Version of the control plane and revision of its API (`GET /v1/capabilities`). */
export const CONTROL_PLANE_VERSION = "0.1.0";
export const API_REVISION = 3;
export const ROUTE_CAPABILITY_MATRIX_VERSION = 2;
