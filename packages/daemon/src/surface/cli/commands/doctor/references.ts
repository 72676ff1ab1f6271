import type { RunView, SessionViewSummary } from "@kheish/contract";
import type { DaemonClient } from "../../client/client.ts";
import { everyPage } from "../every-page.ts";
import type { Check } from "./check.ts";
import type { RouteReadiness } from "./readiness.ts";

const UNFINISHED = ["queued", "running", "waiting_for_approval", "waiting_for_user_question"];

/** Sessions and unfinished runs that name a route the daemon no longer has (02-R37). */
export async function staleReferences(
  client: DaemonClient,
  routes: readonly RouteReadiness[],
): Promise<Check[]> {
  const known = new Set(routes.map(({ route_id }) => route_id));
  const gone = (route: string | undefined) => route !== undefined && !known.has(route);
  const sessions = await everyPage<SessionViewSummary>((query) => client.call("listSessions", { query }));
  const runs = await Promise.all(UNFINISHED.map((status) => runsThatAre(client, status)));
  return [
    ...sessions.flatMap(({ session_id, route_policy }) => {
      const route = route_policy?.provider ?? route_policy?.route_id;
      return gone(route) ? [stale("stale_session_route_policy", "session", session_id, route)] : [];
    }),
    ...runs.flat().flatMap(({ run_id, request, fallbacks = [] }) => {
      const route = fallbacks.at(-1)?.to.route_id ?? request.provider;
      return gone(route) ? [stale("stale_run_route", "run", run_id, route)] : [];
    }),
  ];
}

/** Filtered here too: an older daemon ignores the status filter. */
async function runsThatAre(client: DaemonClient, status: string): Promise<RunView[]> {
  const runs = await everyPage<RunView>((page) => client.call("listRuns", { query: { ...page, status } }));
  return runs.filter((run) => run.status === status);
}

function stale(code: string, noun: string, id: string, route: string | undefined): Check {
  return {
    name: "references",
    code,
    ok: false,
    severity: "error",
    message: `${noun} '${id}' names route '${route}', which is gone`,
    related_id: id,
  };
}
