import type { RoutesReport } from "../commands/doctor/routes-report.ts";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { checkLines } from "./doctor.ts";

export function routesReportText({ routes, diagnostics, canary }: RoutesReport, style: Style): string {
  const parts: string[] = [];
  if (routes.length > 0) {
    parts.push(
      table(
        routes,
        [
          { title: "ROUTE", value: (route) => route.route_id, keep: true },
          { title: "PROVIDER", value: (route) => route.provider },
          { title: "MODEL", value: (route) => route.model },
          { title: "DEFAULT", value: (route) => (route.active ? "yes" : "") },
          { title: "STATE", value: (route) => route.state },
        ],
        style,
      ),
    );
  }
  parts.push(diagnostics.flatMap((check) => checkLines(check, style)).join("\n"));
  if (canary !== undefined && canary.length > 0) {
    parts.push(
      table(
        canary,
        [
          { title: "CANARY", value: (row) => row.route_id, keep: true },
          { title: "STATE", value: (row) => row.state },
          { title: "RUN", value: (row) => row.run_id, keep: true },
          { title: "MESSAGE", value: (row) => row.message },
        ],
        style,
      ),
    );
  }
  return parts.join("\n\n");
}
