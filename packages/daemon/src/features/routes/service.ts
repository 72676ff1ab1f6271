import {
  type AddRouteRequest,
  type Json,
  problem,
  type ReloadRoutesRequest,
  type RouteListView,
  type RouteReloadResult,
  type RuntimeSettingsView,
} from "@kheish/contract";
import { type AdminChange, type Changer, digest, type RouteResolver } from "../../engine/index.ts";
import type { AuditLedger } from "../../governance/audit/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import type { Log } from "../../kernel/log.ts";
import type { AppendOp, Store } from "../../kernel/store.ts";
import {
  diffRoutes,
  type Env,
  type LiveRoutes,
  type LoadedRoutes,
  type Route,
  RouteConfigError,
  type RouteLoader,
} from "../../model/index.ts";
import { RUNTIME_STREAM } from "../events/index.ts";
import { drift, shadowed } from "./diagnostics.ts";
import { type Overlay, type OverlayEntry, overlayOps, readOverlay, routeOf, tableOf } from "./overlay.ts";
import { type Loaded, metadataOf, strandedRuns } from "./reload.ts";
import type { SlotWriter } from "./slots.ts";
import { routeView } from "./view.ts";

export interface RouteServiceDeps {
  store: Store;
  audit: Pick<AuditLedger, "commitAdmin">;
  clock: Clock;
  log: Log;
  live: LiveRoutes;
  resolver: RouteResolver;
  /** Variables that a route may name. */
  env: Env;
  /** What the daemon began with, and how to read it again. */
  loaded: LoadedRoutes;
  loader: RouteLoader;
  slots: SlotWriter;
  runtimeView: () => RuntimeSettingsView | Promise<RuntimeSettingsView>;
}

interface Change extends Changer {
  expectedRevision?: number | undefined;
}

/**
 * The routes of a running daemon: listed, added, removed, read again from their file.
 *
 * Routes added at run time stand in the store and are the same on every daemon that shares it; the file is each
 * daemon's own and is never written. A change holds for what is submitted afterwards: a run keeps the route it is
 * pinned to, and when that is gone it fails (02-R15, 02-R37).
 */
export class RouteService {
  readonly #deps: RouteServiceDeps;
  /** One change at a time in this process; the overlay's revision guards against other daemons. */
  readonly #mutex = new KeyedMutex();
  #loaded: Loaded;
  #overlay: Overlay = { revision: 0, entries: [] };

  constructor(deps: RouteServiceDeps) {
    this.#deps = deps;
    this.#loaded = { ...deps.loaded, atMs: deps.clock.now() };
  }

  /** Takes over the stored overlay: at the start, and when another daemon has changed it. */
  async refresh(): Promise<void> {
    const { store, live, env, log } = this.#deps;
    const overlay = await readOverlay(store);
    if (overlay.corrupt !== undefined) {
      log.error({ revision: overlay.revision }, "the stored routes cannot be read and count as none");
    }
    this.#overlay = overlay;
    live.overlay(overlay.entries.flatMap((entry) => this.#built(entry, env)));
  }

  async list(): Promise<RouteListView> {
    const { live, loader, resolver } = this.#deps;
    const readiness = resolver.readiness();
    return {
      revision: this.#overlay.revision,
      inventory: metadataOf(this.#loaded, live.current),
      routes: live.current.map((route) => routeView(route, live.originOf(route.route_id), readiness)),
      diagnostics: [...(await drift(this.#loaded, loader)), ...shadowed(this.#overlay.entries, live)],
    };
  }

  async add(request: AddRouteRequest, by: Changer): Promise<RuntimeSettingsView> {
    const { live, env, slots, clock, runtimeView } = this.#deps;
    const { route_id, api_key, auth_ref, reason, expected_revision: expectedRevision } = request;
    if (api_key !== undefined && auth_ref !== undefined) {
      throw refused("Give the route an 'api_key' or an 'auth_ref', not both.");
    }
    const slot = api_key === undefined ? undefined : `routes.${route_id}.api_key`;
    const entry = {
      route_id,
      table: tableOf(request, slot),
      added_at_ms: clock.now(),
      added_by: by.principal,
    };
    await this.#mutex.run("routes", async () => {
      await this.refresh();
      const route = routeOf(entry, env);
      if (route.credential.kind === "missing" && auth_ref === undefined && slot === undefined) {
        throw refused(`${route.credential.message} Give the route an 'api_key' or an 'auth_ref'.`);
      }
      const exists = (overlay: Overlay) =>
        live.find(route_id) !== undefined || overlay.entries.some((one) => one.route_id === route_id);
      const change = { ...becauseOf(by, reason), expectedRevision };
      await this.#change(change, "route_added", route_id, (overlay) => {
        if (exists(overlay)) throw alreadyExists(route_id);
        return [...overlay.entries, entry];
      });
      if (slot === undefined || api_key === undefined) return;
      try {
        // Only now: of two who add the same route, the one who did not get it must not touch its key.
        await slots.put(slot, route.driver, api_key, by);
      } catch (error) {
        const withdrawn = { ...by, reason: "its key could not be kept" };
        await this.#change(withdrawn, "route_removed", route_id, ({ entries }) =>
          entries.filter((one) => one.route_id !== route_id),
        );
        throw error;
      }
    });
    return runtimeView();
  }

  /** What takes its key from a slot, in words for people. */
  usersOf(slotId: string): string[] {
    return this.#deps.live.current
      .filter(({ credential }) => credential.kind === "slot" && credential.slot_id === slotId)
      .map(({ route_id }) => `route '${route_id}'`);
  }

  async remove(routeId: string, change: Change): Promise<RuntimeSettingsView> {
    const { live, slots, runtimeView } = this.#deps;
    await this.#mutex.run("routes", async () => {
      await this.refresh();
      const entryIn = ({ entries }: Overlay) => entries.find((entry) => entry.route_id === routeId);
      const entry = entryIn(this.#overlay);
      if (entry === undefined) {
        if (live.find(routeId) === undefined) {
          throw problem("routes", "route_unknown", `There is no route '${routeId}'.`);
        }
        throw problem(
          "routes",
          "route_not_removable",
          `Route '${routeId}' was not added at run time: take it out of the routes file, or out of the daemon's flags and environment.`,
        );
      }
      await this.#change(change, "route_removed", routeId, (overlay) => {
        if (entryIn(overlay) === undefined) {
          throw problem("routes", "route_unknown", `There is no route '${routeId}'.`);
        }
        return overlay.entries.filter((one) => one.route_id !== routeId);
      });
      const slot = `routes.${routeId}.api_key`;
      if (entry.table.auth_ref === slot) await slots.delete(slot, change);
    });
    return runtimeView();
  }

  /** Reads the routes file again, or says what that would change. A file with a mistake changes nothing. */
  async reload({ dry_run, reason }: ReloadRoutesRequest, by: Changer): Promise<RouteReloadResult> {
    const { live, store, clock } = this.#deps;
    if (this.#loaded.source.kind !== "routes_file") {
      throw problem(
        "routes",
        "routes_file_missing",
        "This daemon was started without a routes file: its flags and environment hold until it is restarted.",
      );
    }
    return this.#mutex.run("routes", async () => {
      const next = await this.#load();
      this.#refuseClash(next);
      const before = { current: live.current, loaded: this.#loaded };
      const after = live.preview(next.set);
      const diff = diffRoutes(before.current, after);
      const stranded_run_ids = await strandedRuns(store, before.current, after);
      const loaded = { ...next, atMs: clock.now() };
      if (!dry_run) {
        this.#take(loaded);
        try {
          const { sha256 } = next.source.kind === "routes_file" ? next.source : { sha256: "" };
          const data = { ...diff, routes_file_sha256: sha256 } as unknown as { [key: string]: Json };
          const change = becauseOf(by, reason);
          await this.#deps.audit.commitAdmin(
            [this.#event("routes_reloaded", { ...data, ...actorOf(change) })],
            { ...change, target: "routes", change: { reloaded: sha256, changes_sha256: digest(data) } },
          );
        } catch (error) {
          this.#take(before.loaded);
          throw error;
        }
      }
      return {
        applied: !dry_run,
        ...diff,
        default_route: { ...first("before", before.current), ...first("after", after) },
        stranded_run_ids,
        inventory: metadataOf(loaded, after),
      };
    });
  }

  #take(loaded: Loaded): void {
    this.#loaded = loaded;
    this.#deps.live.configure(loaded.set);
  }

  async #load(): Promise<LoadedRoutes> {
    try {
      return await this.#deps.loader.load();
    } catch (error) {
      if (error instanceof RouteConfigError) throw problem("routes", "routes_file_invalid", error.message);
      throw error;
    }
  }

  /** A route that was added at run time must not turn into one of the file under the runs that are pinned to it. */
  #refuseClash({ set }: LoadedRoutes): void {
    const has = (routes: readonly { route_id: string }[], id: string) =>
      routes.some(({ route_id }) => route_id === id);
    const clash = set.configured.find(
      ({ route_id }) => has(this.#overlay.entries, route_id) && !has(this.#loaded.set.configured, route_id),
    );
    if (clash === undefined) return;
    throw problem(
      "routes",
      "route_already_exists",
      `The routes file has a route '${clash.route_id}', and one of that name was added at run time: remove that first.`,
    );
  }

  /** One change of the overlay: read, changed, written under its revision; again when another daemon was quicker. */
  async #change(
    change: Change,
    type: "route_added" | "route_removed",
    routeId: string,
    next: (overlay: Overlay) => OverlayEntry[],
  ): Promise<void> {
    const { store, audit } = this.#deps;
    for (;;) {
      const overlay = await readOverlay(store);
      const { expectedRevision, ...changer } = change;
      checkRevision(overlay.revision, expectedRevision);
      const entries = next(overlay);
      const event = this.#event(type, { route_id: routeId, ...actorOf(change) });
      const result = await audit.commitAdmin([...overlayOps(overlay, entries), event], {
        ...changer,
        target: `routes/${routeId}`,
        ...recordOf(type, routeId, entries),
      });
      if (!result.ok) continue;
      await this.refresh();
      return;
    }
  }

  #event(type: string, data: { [key: string]: Json }): AppendOp {
    return { op: "append", stream: RUNTIME_STREAM, events: [{ type, atMs: this.#deps.clock.now(), data }] };
  }

  /** An entry that this version cannot build is left where it is and not used. */
  #built(entry: OverlayEntry, env: Env): Route[] {
    try {
      return [routeOf(entry, env)];
    } catch (error) {
      this.#deps.log.error({ route_id: entry.route_id, err: String(error) }, "a stored route cannot be used");
      return [];
    }
  }
}

function first(name: "before" | "after", [route]: readonly Route[]) {
  return route === undefined ? {} : { [name]: route.route_id };
}

function becauseOf(by: Changer, reason: string | undefined): Changer {
  return reason === undefined ? by : { ...by, reason };
}

function actorOf({ principal, reason }: Changer): { [key: string]: Json } {
  return { actor: principal, ...(reason === undefined ? {} : { reason }) };
}

/** What the signed audit tells of a change: a route's table holds no key, at most the name of a slot. */
function recordOf(
  type: "route_added" | "route_removed",
  routeId: string,
  entries: readonly OverlayEntry[],
): Pick<AdminChange, "change" | "withdraws"> {
  if (type === "route_removed") return { change: { removed: routeId }, withdraws: true };
  const table = entries.find((entry) => entry.route_id === routeId)?.table ?? {};
  return { change: { added: routeId, table } };
}

function checkRevision(revision: number, expected: number | undefined): void {
  if (expected === undefined || expected === revision) return;
  throw problem(
    "runtime",
    "runtime_revision_conflict",
    `the added routes are at revision ${revision}, not ${expected}; list them again and repeat`,
  );
}

function alreadyExists(routeId: string) {
  return problem("routes", "route_already_exists", `There is a route '${routeId}' already.`);
}

function refused(detail: string) {
  return problem("runtime", "runtime_validation_failed", detail);
}
