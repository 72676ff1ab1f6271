import type { RouteListView, RouteReloadResult, RouteView } from "@kheish/contract";
import type { Style } from "../output/output.ts";
import { type Column, table } from "../output/table.ts";
import { oneLine } from "../output/text.ts";
import { paintSeverity } from "./severity.ts";

const columns: Column<RouteView>[] = [
  { title: "ROUTE", value: (route) => route.route_id, keep: true },
  { title: "PROVIDER", value: (route) => route.provider },
  { title: "MODEL", value: (route) => route.model },
  { title: "DEFAULT", value: (route) => (route.active ? "yes" : "") },
  { title: "FROM", value: (route) => route.origin },
  { title: "STATE", value: (route) => route.state },
  { title: "SLOT", value: (route) => route.auth_ref },
  { title: "CONTEXT", value: (route) => route.context_tokens?.toLocaleString("en") },
  { title: "$/MTOK", value: priceText },
  { title: "FALLBACK", value: (route) => route.fallback?.join(", ") },
];

export function routeListText({ routes, diagnostics }: RouteListView, style: Style): string {
  const warnings = diagnostics.flatMap(({ severity, message, action }) => [
    `${paintSeverity(severity, style.colors)}  ${oneLine(message)}`,
    ...(action === undefined ? [] : [style.colors.dim(`    ${oneLine(action)}`)]),
  ]);
  const list = routes.length === 0 ? "No routes." : table(routes, columns, style);
  return warnings.length === 0 ? list : `${list}\n\n${warnings.join("\n")}`;
}

/** Input and output, as price lists have them. */
function priceText({ prices }: RouteView): string | undefined {
  return prices && [prices.input, prices.output].map((micro) => micro / 1_000_000).join(" / ");
}

export function reloadText(result: RouteReloadResult, { colors }: Style): string {
  const { applied, added, removed, changed, default_route, stranded_run_ids: stranded } = result;
  const lines = [
    ...added.map((id) => colors.green(`+ ${id}`)),
    ...removed.map((id) => colors.red(`- ${id}`)),
    ...changed.map(({ route_id, fields }) => `~ ${route_id}: ${fields.join(", ")}`),
  ];
  if (default_route.before !== default_route.after) {
    lines.push(`default route: ${default_route.before ?? "none"} -> ${default_route.after ?? "none"}`);
  }
  if (stranded.length > 0) {
    lines.push(colors.yellow(`runs that lose their route and will fail: ${stranded.join(", ")}`));
  }
  if (lines.length === 0) lines.push("nothing changes");
  return [...lines, colors.dim(applied ? "applied" : "not applied: this was a dry run")].join("\n");
}
