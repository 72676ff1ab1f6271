import type { RuntimeSettingsView } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { oneLine } from "../output/text.ts";
import { paintSeverity } from "./severity.ts";

export function runtimeDetail(runtime: RuntimeSettingsView, style: Style): string {
  const facts = fields(
    [
      ["permission mode", runtime.permission_mode],
      ["default route", defaultRouteText(runtime)],
      ["system prompt", promptText(runtime)],
      ["debug level", runtime.debug_level],
      ["hooks", Object.values(runtime.hooks.hooks).flat().length],
      ["learning", runtime.learning_policy.mode],
      ["run memory", runtime.run_memory_policy.enabled ? "enabled" : "disabled"],
      ["parallel tools", runtime.tool_runtime_limits.max_parallel_tools],
      ["workspace", runtime.workspace_root],
      ["state root", runtime.state_root],
      ["revision", runtime.config.revision],
    ],
    style,
  );
  const diagnostics = runtime.route_diagnostics.map(
    ({ severity, message }) => `${paintSeverity(severity, style.colors)} ${oneLine(message)}`,
  );
  const routes = runtime.routes ?? [];
  const head = [facts, ...diagnostics].join("\n");
  if (routes.length === 0) return head;
  const columns = [
    { title: "ROUTE", value: (route: (typeof routes)[number]) => route.route_id, keep: true },
    { title: "PROVIDER", value: (route: (typeof routes)[number]) => route.provider },
    { title: "MODEL", value: (route: (typeof routes)[number]) => route.model },
    { title: "SLOT", value: (route: (typeof routes)[number]) => route.auth_ref },
  ];
  return `${head}\n\n${table(routes, columns, style)}`;
}

/** Which parts the operator set; the texts themselves may be long. */
function promptText({ system_prompt }: RuntimeSettingsView): string {
  const set = Object.keys(system_prompt).map((name) => name.replaceAll("_", " "));
  return set.length === 0 ? "built in" : set.join(", ");
}

function defaultRouteText({ default_route, route_id, model }: RuntimeSettingsView): string {
  const route = default_route?.route_id ?? route_id ?? "none";
  return model === null ? route : `${route} (${model})`;
}
