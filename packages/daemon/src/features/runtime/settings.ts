import { type PermissionMode, problem, type RuntimeSettingsView } from "@kheish/contract";
import type { RouteResolver } from "../../engine/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Op, Store } from "../../kernel/store.ts";
import { RUNTIME_STREAM } from "../events/index.ts";

const KIND = "runtime_settings";
const ID = "current";
const HISTORY_LIMIT = 64;

interface StoredSettings {
  permission_mode: PermissionMode;
  updated_at_ms: number;
  [key: string]: string | number;
}

/** Daemon-wide settings with a revision; a change is prospective (02-R15). */
export class RuntimeSettings {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #routes: RouteResolver;
  readonly #roots: { workspaceRoot: string; stateRoot: string };
  #current: { revision: number; data: StoredSettings } | undefined;

  constructor(options: {
    store: Store;
    clock: Clock;
    routes: RouteResolver;
    workspaceRoot: string;
    stateRoot: string;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#routes = options.routes;
    this.#roots = options;
  }

  /** Loads what is stored; a mode given at start wins and is recorded as a revision (02-A4). */
  async load(startMode: PermissionMode | undefined): Promise<void> {
    await this.refresh();
    if (startMode !== undefined && startMode !== this.permissionMode) await this.setPermissionMode(startMode);
  }

  /** Another daemon on the same store may have changed them. */
  async refresh(): Promise<void> {
    const stored = await this.#store.get<StoredSettings>(KIND, ID);
    this.#current = stored && { revision: stored.revision, data: stored.data };
  }

  get permissionMode(): PermissionMode {
    return this.#current?.data.permission_mode ?? "default";
  }

  async setPermissionMode(mode: PermissionMode, expectedRevision?: number): Promise<RuntimeSettingsView> {
    for (;;) {
      await this.refresh();
      const revision = this.#current?.revision ?? 0;
      if (expectedRevision !== undefined && expectedRevision !== revision) {
        throw problem(
          "runtime",
          "runtime_revision_conflict",
          `the settings are at revision ${revision}, not ${expectedRevision}; read them again and repeat`,
        );
      }
      const now = this.#clock.now();
      const data: StoredSettings = { permission_mode: mode, updated_at_ms: now };
      const ops: Op[] = [
        { op: "put", kind: KIND, id: ID, data, keys: {}, expectedRevision: revision },
        {
          op: "append",
          stream: RUNTIME_STREAM,
          events: [{ type: "setting_changed", atMs: now, data: { setting: "permission_mode", value: mode } }],
        },
      ];
      const result = await this.#store.commit(ops);
      if (!result.ok) continue;
      await this.refresh();
      return this.view();
    }
  }

  view(): RuntimeSettingsView {
    const routes = this.#routes.routes();
    const [first] = routes;
    const revision = this.#current?.revision ?? 0;
    return {
      workspace_root: this.#roots.workspaceRoot,
      state_root: this.#roots.stateRoot,
      ...(first === undefined ? {} : { default_route: first, route_id: first.route_id }),
      provider: first?.provider ?? null,
      model: first?.model ?? null,
      ...(routes.length === 0 ? {} : { routes }),
      permission_mode: this.permissionMode,
      config: {
        revision,
        ...(this.#current === undefined ? {} : { updated_at_ms: this.#current.data.updated_at_ms }),
        persisted: revision > 0,
        history_len: Math.min(revision, HISTORY_LIMIT),
        history_limit: HISTORY_LIMIT,
      },
    };
  }
}
