import type { DebugCaptureView, RouteDiagnosticView, RuntimeSettingsView } from "@kheish/contract";
import type { RouteResolver } from "../../../engine/index.ts";
import { redactedHooks } from "./redact-hooks.ts";
import { DEFAULT_LEARNING_POLICY, DEFAULTS, HISTORY_LIMIT, type Revision } from "./revision.ts";

export interface Roots {
  workspaceRoot: string;
  stateRoot: string;
}

/** 02, RuntimeSettingsView. */
export function settingsView(
  current: Revision | undefined,
  routes: RouteResolver,
  roots: Roots,
  debugCapture?: DebugCaptureView,
): RuntimeSettingsView {
  const settings = current ?? DEFAULTS;
  const all = routes.routes();
  const active = routes.readiness().find((route) => route.active)?.route_id;
  const chosen = all.find(({ route_id }) => route_id === active);
  return {
    workspace_root: roots.workspaceRoot,
    state_root: roots.stateRoot,
    ...(chosen === undefined ? {} : { default_route: chosen, route_id: chosen.route_id }),
    provider: chosen?.provider ?? null,
    model: chosen?.model ?? null,
    ...(all.length === 0 ? {} : { routes: all }),
    route_diagnostics: diagnostics(current, routes),
    permission_mode: settings.permission_mode,
    system_prompt: settings.system_prompt,
    hooks: redactedHooks(settings.hooks),
    debug_level: settings.debug_level,
    ...(debugCapture === undefined ? {} : { debug_capture: debugCapture }),
    learning_policy: settings.learning_policy ?? DEFAULT_LEARNING_POLICY,
    run_memory_policy: settings.run_memory_policy,
    tool_runtime_limits: settings.tool_runtime_limits,
    config: {
      revision: current?.revision ?? 0,
      ...(current === undefined ? {} : { updated_at_ms: current.updated_at_ms }),
      persisted: current !== undefined,
      history_len: current?.history_len ?? 0,
      history_limit: HISTORY_LIMIT,
    },
  };
}

/** 02-R30. What only a key is missing for is the readiness to tell. */
function diagnostics(current: Revision | undefined, routes: RouteResolver): RouteDiagnosticView[] {
  const readiness = routes.readiness();
  const error = (code: string, message: string, route_id?: string): RouteDiagnosticView => ({
    severity: "error",
    code,
    ...(route_id === undefined ? {} : { route_id }),
    message,
  });
  if (readiness.length === 0) return [error("route_inventory_empty", "there is no route to a model")];
  const missing = current?.default_route?.route_id;
  return [
    ...(readiness.some((route) => route.active)
      ? []
      : [error("active_route_missing", `the default route '${missing}' no longer exists`, missing)]),
    ...readiness
      .filter(({ model }) => model.trim() === "")
      .map(({ route_id }) => error("route_model_empty", `route '${route_id}' has no model`, route_id)),
    ...readiness
      .filter(({ code }) => code === "route_model_incompatible")
      .map(({ code, message, route_id }) => error(code, message, route_id)),
  ];
}
