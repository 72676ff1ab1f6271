import {
  type DebugCaptureView,
  type Json,
  type McpRuntimeSnapshot,
  type PermissionMode,
  problem,
  type RuntimeConfigRevisionView,
  type RuntimeRevisionDiff,
  type RuntimeSetting,
  type RuntimeSettingsView,
  type RuntimeSkillSnapshot,
  type SystemPromptSettings,
  type ToolRuntimeLimits,
} from "@kheish/contract";
import {
  type AdminChange,
  blockReason,
  digest,
  type HookPort,
  hookInput,
  isBlocked,
  type RouteResolver,
} from "../../../engine/index.ts";
import type { AuditLedger } from "../../../governance/audit/index.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { KeyedMutex } from "../../../kernel/keyed-mutex.ts";
import type { Op, Store } from "../../../kernel/store.ts";
import { withDefault } from "./default-route.ts";
import { changesBetween } from "./diff.ts";
import {
  checkSequence,
  DEFAULTS,
  HISTORY_LIMIT,
  type Revision,
  readCurrent,
  revisionView,
  type Snapshot,
  snapshotOf,
} from "./revision.ts";
import { notFound, rollbackTarget, rolledBack } from "./rollback.ts";
import { opsFor, readHistory, storedCurrent } from "./stored-revisions.ts";
import { type Roots, settingsView } from "./view.ts";

const LOCK = "runtime";
/** Changes wait for each other; readers wait only for what is being written, not for the hooks that judge it. */
const CHANGES = "changes";

/** Losing to other daemons this often in a row means that something else is wrong. */
const MAX_ATTEMPTS = 50;

/** Who changes something, why, and from which revision they know. */
export interface ChangeContext {
  actor: string;
  requestId?: string | undefined;
  reason?: string | undefined;
  expectedRevision?: number | undefined;
  /** Without asking the `config_change` hooks, which may be what has to be mended (03-R47). */
  skipHooks?: boolean | undefined;
  /** Revisions of an `If-Match`; any of them will do. */
  ifMatch?: readonly number[] | undefined;
}

export interface RollbackWish {
  revision?: number | undefined;
  setting?: RuntimeSetting | undefined;
}

type Origin = Pick<Revision, "source" | "setting" | "rollback_of_revision" | "rolled_back_setting">;

/** Whoever keeps debug evidence. */
export interface DebugCapturePort {
  /** Throws when a level could not do what it says (02-R94, 02-R95). */
  check(): Promise<void>;
  view(): DebugCaptureView;
}

export interface RuntimeSettingsOptions extends Roots {
  store: Store;
  clock: Clock;
  audit: Pick<AuditLedger, "commitAdmin">;
  routes: RouteResolver;
  /** The MCP servers as they are now, for the view. */
  mcp?: () => McpRuntimeSnapshot;
  skills?: () => RuntimeSkillSnapshot;
  /** Absent: no debug evidence is kept, whatever the level. */
  debug?: DebugCapturePort | undefined;
  hooks: () => SettingHooks;
}

export interface SettingHooks extends Pick<HookPort, "wants" | "call"> {
  keep(ops: readonly Op[]): Promise<void>;
}

/**
 * The daemon-wide settings, as full-snapshot revisions. A change is prospective (02-R15).
 *
 * I1 a revision, its predecessor's place in the history and its event are one commit, guarded by the predecessor's
 *    revision: whoever dies or fails in it leaves the one or the other in force, never a mix (02-R1, R2, R5)
 * I2 what is in force is one immutable snapshot, swapped as a whole after its commit (02-R4)
 * I3 a snapshot is never replaced by an older one, however late it was read
 */
export class RuntimeSettings {
  /** The routes with the default in force. */
  readonly routes: RouteResolver;
  readonly #store: Store;
  readonly #audit: Pick<AuditLedger, "commitAdmin">;
  readonly #clock: Clock;
  readonly #roots: Roots;
  readonly #mcp: RuntimeSettingsOptions["mcp"];
  readonly #skills: RuntimeSettingsOptions["skills"];
  readonly #debug: DebugCapturePort | undefined;
  readonly #hooks: () => SettingHooks;
  readonly #mutex = new KeyedMutex();
  #current: Revision | undefined;

  constructor(options: RuntimeSettingsOptions) {
    this.#store = options.store;
    this.#audit = options.audit;
    this.#clock = options.clock;
    this.#roots = options;
    this.#mcp = options.mcp;
    this.#skills = options.skills;
    this.#debug = options.debug;
    this.#hooks = options.hooks;
    this.routes = withDefault(options.routes, () => this.#current?.default_route);
  }

  /**
   * Restores what is stored before any work is accepted (02-R9); throws `StoreError` when it cannot be used.
   * A mode given at start wins and is recorded as a revision (02-A4).
   */
  async load(startMode: PermissionMode | undefined): Promise<void> {
    await this.refresh();
    if (this.#current !== undefined) checkSequence(this.#current, await readHistory(this.#store));
    if (startMode === undefined || startMode === this.permissionMode) return;
    const origin: Origin = { source: "serve", setting: "permission_mode" };
    // Whoever starts the daemon has the last word on how.
    await this.#commit({ actor: "serve", skipHooks: true }, origin, (now) => ({
      ...now,
      permission_mode: startMode,
    }));
  }

  /** Another daemon on the same store may have changed them. */
  async refresh(): Promise<void> {
    const record = await storedCurrent(this.#store);
    if (record === undefined || record.revision <= this.revision) return;
    this.#current = readCurrent(record);
  }

  /** What is in force. */
  get now(): Snapshot {
    return this.#current ?? DEFAULTS;
  }

  /** 0: nothing was ever changed. */
  get revision(): number {
    return this.#current?.revision ?? 0;
  }

  get permissionMode(): PermissionMode {
    return this.now.permission_mode;
  }

  get systemPrompt(): SystemPromptSettings {
    return this.now.system_prompt;
  }

  get toolLimits(): ToolRuntimeLimits {
    return this.now.tool_runtime_limits;
  }

  view(): RuntimeSettingsView {
    const mcp = this.#mcp?.();
    const skills = this.#skills?.();
    return {
      ...settingsView(this.#current, this.routes, this.#roots, this.#debug?.view()),
      ...(mcp === undefined ? {} : { mcp }),
      ...(skills === undefined ? {} : { skills }),
    };
  }

  /** What is in force once the change that is being made, here or on another daemon, is made (02-R4). */
  settled<T>(look: () => T | Promise<T>): Promise<T> {
    return this.#mutex.run(LOCK, async () => {
      await this.refresh();
      return look();
    });
  }

  /** Changes one setting. `next` decides on what is in force and throws what it refuses. */
  set(
    context: ChangeContext,
    setting: RuntimeSetting,
    next: (now: Snapshot) => Partial<Snapshot>,
  ): Promise<RuntimeSettingsView> {
    const source = context.skipHooks === true ? "runtime_api_force" : "runtime_api";
    return this.#commit(context, { source, setting }, (now) => ({ ...now, ...next(now) }));
  }

  /** Appends what was before as a new revision; nothing is deleted (02-R7, 02-A9). */
  async rollback(context: ChangeContext, wish: RollbackWish): Promise<RuntimeSettingsView> {
    const { revision, setting } = wish;
    const origin: Origin = {
      source: context.skipHooks === true ? "runtime_api_force" : "runtime_api",
      setting: "rollback",
      ...(setting === undefined ? {} : { rolled_back_setting: setting }),
    };
    return this.#commit(context, origin, async (now, described) => {
      const target = rollbackTarget(now, await readHistory(this.#store), {
        ...(revision === undefined ? {} : { revision }),
        ...(setting === undefined ? {} : { setting }),
      });
      described.rollback_of_revision = target.revision;
      const next = rolledBack(now, target, setting);
      this.#requireRoute(next, target.revision);
      return next;
    });
  }

  /** Newest first, the current one included; hooks redacted. */
  async revisions(): Promise<RuntimeConfigRevisionView[]> {
    const all = await this.settled(() => this.#all());
    return all.map(revisionView).reverse();
  }

  /** What a revision changed, against the one before it or another that is kept; 0 is a new daemon's settings. */
  async diff(revision: number, against?: number): Promise<RuntimeRevisionDiff> {
    const all = await this.settled(() => this.#all());
    const other = against ?? revision - 1;
    const find = (wanted: number): Snapshot => {
      const found = wanted === 0 ? DEFAULTS : all.find((one) => one.revision === wanted);
      if (found !== undefined) return found;
      throw notFound(`revision ${wanted} does not exist or is not kept any more`);
    };
    if (revision === 0) throw notFound("revision 0 is what a new daemon has; nothing changed before it");
    const asked = find(revision);
    return { revision, against: other, changes: changesBetween(find(other), asked) };
  }

  /** The one way to write: serialized here, guarded against other daemons. */
  #commit(
    context: ChangeContext,
    origin: Origin,
    next: (now: Snapshot, origin: Origin) => Snapshot | Promise<Snapshot>,
  ): Promise<RuntimeSettingsView> {
    return this.#mutex.run(CHANGES, async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const before = await this.settled(() => this.#current);
        checkExpected(context, before?.revision ?? 0);
        const described = { ...origin };
        const now: Snapshot = before ?? DEFAULTS;
        const settings = await next(now, described);
        if (settings.debug_level !== "off" && settings.debug_level !== now.debug_level)
          await this.#debug?.check();
        const revision = this.#following(before, { ...snapshotOf(settings), ...described }, context);
        const kept = context.skipHooks === true ? [] : await this.#ask(now, revision, context.actor);
        const view = await this.#mutex.run(LOCK, async () => {
          const result = await this.#audit.commitAdmin(
            [...opsFor(before, revision), ...kept],
            adminChange(revision, context),
          );
          if (!result.ok) return undefined;
          this.#current = revision;
          return this.view();
        });
        if (view !== undefined) return view;
      }
      throw problem("runtime", "runtime_revision_conflict", "the settings change too fast; try again");
    });
  }

  /** The hooks in force judge what would replace them, too (02-R8, 03-R47). Answers what is to be kept of failed ones. */
  async #ask(now: Snapshot, next: Revision, actor: string): Promise<readonly Op[]> {
    const { setting, source, revision } = next;
    const hooks = this.#hooks();
    if (!hooks.wants("config_change", setting)) return [];
    const changes = changesBetween(now, next);
    const payload = { setting, source, actor, revision, changes };
    const place = [revision, setting, changes as unknown as Json];
    const input = hookInput("config_change", {}, { subject: setting, place, payload });
    const { outcome, ops } = await hooks.call(input, new AbortController().signal);
    if (!isBlocked(outcome)) return ops;
    await hooks.keep(ops);
    const reason = blockReason("config_change", outcome);
    throw problem("runtime", "runtime_change_blocked", `a config_change hook refused the change: ${reason}`);
  }

  #following(before: Revision | undefined, made: Snapshot & Origin, context: ChangeContext): Revision {
    const { actor, requestId, reason } = context;
    return {
      ...made,
      revision: (before?.revision ?? 0) + 1,
      updated_at_ms: this.#clock.now(),
      actor,
      ...(requestId === undefined ? {} : { request_id: requestId }),
      ...(reason === undefined ? {} : { reason }),
      history_len: before === undefined ? 0 : Math.min(before.history_len + 1, HISTORY_LIMIT),
    };
  }

  /** Going back to a route that is gone would leave the daemon without a default. */
  #requireRoute({ default_route: route }: Snapshot, revision: number): void {
    if (route === undefined || this.routes.routes().some(({ route_id }) => route_id === route.route_id))
      return;
    throw problem(
      "routes",
      "route_not_ready",
      `revision ${revision} has the default route '${route.route_id}', which no longer exists; ` +
        "roll back one setting at a time, or add the route first",
    );
  }

  async #all(): Promise<Revision[]> {
    const history = await readHistory(this.#store);
    return this.#current === undefined ? history : [...history, this.#current];
  }
}

function checkExpected({ expectedRevision, ifMatch }: ChangeContext, revision: number): void {
  if (expectedRevision !== undefined && expectedRevision !== revision) {
    throw problem(
      "runtime",
      "runtime_revision_conflict",
      `the settings are at revision ${revision}, not ${expectedRevision}; read them again and repeat`,
    );
  }
  if (ifMatch !== undefined && !ifMatch.includes(revision)) {
    throw problem(
      "runtime",
      "runtime_precondition_failed",
      `the settings are at revision ${revision}, which If-Match does not name; read them again and repeat`,
    );
  }
}

/** What the signed ledger tells of a revision: which it is and its digest. A prompt or a hook may hold anything. */
function adminChange(made: Revision, { actor, requestId, reason }: ChangeContext): AdminChange {
  const { revision, setting, source } = made;
  return {
    principal: actor,
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...(reason === undefined ? {} : { reason }),
    target: `runtime/${setting}`,
    change: { revision, source, revision_sha256: digest(made as unknown as Json) },
  };
}
