import { isTerminal, type RouteInventoryMetadata, RunStatus } from "@kheish/contract";
import type { Kept } from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";
import type { LoadedRoutes, Route } from "../../model/index.ts";

/** Routes as this process read them, and when. */
export interface Loaded extends LoadedRoutes {
  atMs: number;
}

const NON_TERMINAL = RunStatus.options.filter((status) => !isTerminal(status));
/** Stranded runs that a reload names at most. */
const MOST_STRANDED = 100;
const SCAN = 1_000;

/** What this daemon has loaded (02, Route inventory metadata). */
export function metadataOf({ source, atMs }: Loaded, routes: readonly Route[]): RouteInventoryMetadata {
  const [first] = routes;
  return {
    version: 1,
    source_kind: source.kind,
    ...(source.kind === "routes_file"
      ? { routes_file_path: source.path, routes_file_sha256: source.sha256 }
      : {}),
    loaded_at_ms: atMs,
    ...(first === undefined ? {} : { default_route: first.route_id }),
    route_ids: routes.map(({ route_id }) => route_id),
  };
}

/** Unfinished runs whose calls go to a route that is gone afterwards, or is another driver's (02-R37). */
export async function strandedRuns(
  store: Store,
  before: readonly Route[],
  after: readonly Route[],
): Promise<string[]> {
  const driverAfter = new Map(after.map(({ route_id, driver }) => [route_id, driver]));
  const lost = before.filter(({ route_id, driver }) => driverAfter.get(route_id) !== driver);
  if (lost.length === 0) return [];
  const ids = new Set(lost.map(({ route_id }) => route_id));
  const pages = await Promise.all(
    NON_TERMINAL.map((status) => store.list("run", { index: "status", prefix: [status], limit: SCAN })),
  );
  return (pages.flat() as unknown as Kept<"run">[])
    .filter(({ data }) => ids.has((data.fallbacks?.at(-1)?.target ?? data.route).route_id))
    .map(({ id }) => id)
    .slice(0, MOST_STRANDED);
}
