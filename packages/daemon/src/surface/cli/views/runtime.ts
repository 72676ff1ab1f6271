import type { RuntimeSettingsView } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";

export function runtimeDetail(runtime: RuntimeSettingsView, style: Style): string {
  const facts = fields(
    [
      ["permission mode", runtime.permission_mode],
      ["default route", defaultRouteText(runtime)],
      ["workspace", runtime.workspace_root],
      ["state root", runtime.state_root],
      ["revision", runtime.config.revision],
    ],
    style,
  );
  const routes = runtime.routes ?? [];
  if (routes.length === 0) return facts;
  const columns = [
    { title: "ROUTE", value: (route: (typeof routes)[number]) => route.route_id, keep: true },
    { title: "PROVIDER", value: (route: (typeof routes)[number]) => route.provider },
    { title: "MODEL", value: (route: (typeof routes)[number]) => route.model },
    { title: "SLOT", value: (route: (typeof routes)[number]) => route.auth_ref },
  ];
  return `${facts}\n\n${table(routes, columns, style)}`;
}

function defaultRouteText({ default_route, route_id, model }: RuntimeSettingsView): string {
  const route = default_route?.route_id ?? route_id ?? "none";
  return model === null ? route : `${route} (${model})`;
}
