import { type AddRouteRequest, type Json, problem } from "@kheish/contract";
import { z } from "zod";
import type { Store } from "../../kernel/store.ts";
import { type Env, type Route, RouteConfigError, routeFrom } from "../../model/index.ts";

const KIND = "route_overlay";
const ID = "current";

/** One route added at run time: its table, as the routes file would have it. Holds no key, at most the name of a slot. */
const OverlayEntry = z.object({
  route_id: z.string(),
  table: z.record(z.string(), z.json()),
  added_at_ms: z.int(),
  added_by: z.string(),
});
export type OverlayEntry = z.infer<typeof OverlayEntry>;
const StoredOverlay = z.object({ routes: z.array(OverlayEntry) });

/** The routes added at run time, in the order they came, with the revision that guards the next change. */
export interface Overlay {
  revision: number;
  entries: OverlayEntry[];
  /** Set when what is stored cannot be read; it counts as empty (02-R38). */
  corrupt?: Json;
}

export async function readOverlay(store: Store): Promise<Overlay> {
  const stored = await store.get(KIND, ID);
  if (stored === undefined) return { revision: 0, entries: [] };
  const { revision, data } = stored;
  const overlay = StoredOverlay.safeParse(data);
  return overlay.success
    ? { revision, entries: overlay.data.routes }
    : { revision, entries: [], corrupt: data };
}

/** The write of a changed overlay; what could not be read is kept beside it. */
export function overlayOps(before: Overlay, entries: readonly OverlayEntry[]) {
  const put = {
    op: "put" as const,
    kind: KIND,
    id: ID,
    data: { routes: entries } as unknown as Json,
    keys: {},
    expectedRevision: before.revision,
  };
  if (before.corrupt === undefined) return [put];
  return [
    put,
    { op: "put" as const, kind: KIND, id: `corrupt-${before.revision}`, data: before.corrupt, keys: {} },
  ];
}

const DRIVER_ALIASES: Readonly<Record<string, string>> = { gemini: "google", grok: "xai" };

/** The table of a new route: what the request says, in the words of the routes file. */
export function tableOf(request: AddRouteRequest, slot: string | undefined): OverlayEntry["table"] {
  const {
    route_id: _id,
    provider,
    model,
    api_key: _key,
    expected_revision: _revision,
    reason: _reason,
    auth_ref = slot,
    ...rest
  } = request;
  const table = { driver: DRIVER_ALIASES[provider] ?? provider, default_model: model, auth_ref, ...rest };
  return Object.fromEntries(
    Object.entries(table).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** The route of an entry by the rules of the routes file. Throws a problem that names what is wrong. */
export function routeOf({ route_id, table }: Pick<OverlayEntry, "route_id" | "table">, env: Env): Route {
  try {
    return routeFrom(route_id, table, env);
  } catch (error) {
    if (error instanceof RouteConfigError)
      throw problem("runtime", "runtime_validation_failed", error.message);
    throw error;
  }
}
