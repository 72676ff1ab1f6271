import {
  type AddSkillRequest,
  type JsonObject,
  problem,
  type RemovedSkill,
  type RuntimeSkillSnapshot,
  type SetSkillRequest,
  type SkillReloadResult,
  type SkillSummary,
  type SkillView,
} from "@kheish/contract";
import { type AdminChange, type Changer, unknownSkill } from "../../engine/index.ts";
import type { AuditLedger } from "../../governance/audit/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import type { Log } from "../../kernel/log.ts";
import type { AppendOp, Store, StoredEvent } from "../../kernel/store.ts";
import {
  type Skill,
  type SkillLibrary,
  SkillLockError,
  summaryOf,
  viewOf,
} from "../../tools/skills/index.ts";
import { RUNTIME_STREAM } from "../events/index.ts";
import { type LoadedSkills, NO_SKILLS } from "./loader.ts";
import {
  countAdded,
  deleteSkill,
  loaded,
  MAX_ADDED_SKILLS,
  putSkill,
  readAdded,
  readStored,
} from "./stored.ts";
import { filesOf, nameError } from "./written.ts";

export interface SkillServiceDeps {
  store: Store;
  clock: Clock;
  log: Log;
  audit: Pick<AuditLedger, "commitAdmin">;
  library: SkillLibrary;
  /** Looks through the folders. Rejects with `SkillLockError`. */
  load: () => Promise<LoadedSkills>;
}

const LOCK = "skills";
const RELOADED = "skills_reloaded";
/** What others on the store say of skills. */
const NEWS = new Set(["skill_added", "skill_replaced", "skill_removed", RELOADED]);

interface Wish {
  request: Omit<AddSkillRequest & SetSkillRequest, "reason">;
  by: Changer;
  /** Undefined: whatever is there is replaced. 0: nothing may be there. */
  expectedRevision: number | undefined;
}

/**
 * The skills of a running daemon: those of its folders, and those that were added at run time, which stand in the store
 * and are the same on every daemon that shares it. Sessions keep what became active in them, whatever happens here.
 */
export class SkillService {
  readonly #deps: SkillServiceDeps;
  readonly #mutex = new KeyedMutex();
  #found: LoadedSkills = NO_SKILLS;
  #added: readonly Skill[] = [];
  #addedWarnings: readonly string[] = [];
  /** Reloads of our own, which the journal has not told us of yet. */
  #reloads = 0;

  constructor(deps: SkillServiceDeps) {
    this.#deps = deps;
  }

  /** Rejects with `SkillLockError` when skills cannot be held to their lock file: the daemon does not start then. */
  start(): Promise<void> {
    return this.#mutex.run(LOCK, async () => {
      this.#found = await this.#deps.load();
      await this.#readAdded();
      this.#take();
      for (const why of this.snapshot().warnings) this.#deps.log.warn({ why }, "a skill is left out");
    });
  }

  /** Takes over what another daemon changed; folders are looked through again when somebody asked for that. */
  async heard({ type }: Pick<StoredEvent, "type">): Promise<void> {
    if (!NEWS.has(type)) return;
    await this.#mutex.run(LOCK, async () => {
      if (type === RELOADED && this.#reloads > 0) this.#reloads -= 1;
      else if (type === RELOADED) this.#found = await this.#deps.load();
      await this.#readAdded();
      this.#take();
    });
  }

  /** What is there once the change that is being made, here or on another daemon, is made. */
  settled<T>(look: () => T | Promise<T>): Promise<T> {
    return this.#mutex.run(LOCK, async () => {
      await this.#readAdded();
      this.#take();
      return look();
    });
  }

  list(query: string | undefined): SkillSummary[] {
    return this.#deps.library.search(query).map(summaryOf);
  }

  get(name: string): SkillView {
    const skill = this.#deps.library.get(name);
    if (skill === undefined) throw unknownSkill(name);
    return viewOf(skill);
  }

  snapshot(): RuntimeSkillSnapshot {
    const { library } = this.#deps;
    const { roots, warnings, lock } = this.#found;
    return {
      roots: [...roots],
      count: library.all().length,
      warnings: [...warnings, ...this.#addedWarnings, ...library.warnings],
      ...(lock === undefined ? {} : { lock: { path: lock.path, signed_by: lock.signed_by } }),
    };
  }

  async add({ reason, ...request }: AddSkillRequest, by: Changer): Promise<SkillView> {
    const why = reason === undefined ? {} : { reason };
    return (await this.#put({ request, by: { ...by, ...why }, expectedRevision: 0 })).view;
  }

  set(
    name: string,
    { reason, expected_revision, ...request }: SetSkillRequest,
    by: Changer,
  ): Promise<{ created: boolean; view: SkillView }> {
    const why = reason === undefined ? {} : { reason };
    return this.#put({
      request: { name, ...request },
      by: { ...by, ...why },
      expectedRevision: expected_revision,
    });
  }

  remove(name: string, by: Changer): Promise<RemovedSkill> {
    return this.#mutex.run(LOCK, async () => {
      const { store, library } = this.#deps;
      for (;;) {
        const before = await readStored(store, name);
        if (before === undefined) {
          const other = library.get(name);
          if (other === undefined) throw unknownSkill(name);
          throw problem(
            "skills",
            "skill_not_removable",
            `skill '${name}' was not added at run time: it is in ${other.skill_path}; take it out of there and reload`,
          );
        }
        const digest = before.skill.ok ? before.skill.value.digest : "";
        const removed = await this.#commit(
          [deleteSkill(name, before.revision), this.#event("skill_removed", { name, digest })],
          { ...by, target: `skills/${name}`, change: { removed: name, digest }, withdraws: true },
        );
        if (!removed) continue;
        const now = library.get(name)?.scope;
        return { name, digest, ...(now === undefined ? {} : { uncovered: now }) };
      }
    });
  }

  /** Looks through the folders again, here and, as they hear of it, on the other daemons. */
  reload(by: Changer): Promise<SkillReloadResult> {
    return this.#mutex.run(LOCK, async () => {
      const before = new Map(this.#deps.library.all().map(({ name, digest }) => [name, digest]));
      const found = await this.#deps.load().catch((error: unknown) => {
        if (error instanceof SkillLockError) throw problem("skills", "skill_not_loaded", error.message);
        throw error;
      });
      await this.#deps.audit.commitAdmin([this.#event(RELOADED, {})], {
        ...by,
        target: "skills",
        change: { reloaded: true },
      });
      this.#reloads += 1;
      this.#found = found;
      await this.#readAdded();
      this.#take();
      return { ...diffOf(before, this.#deps.library.all()), skills: this.snapshot() };
    });
  }

  #put({ request, by, expectedRevision }: Wish): Promise<{ created: boolean; view: SkillView }> {
    return this.#mutex.run(LOCK, async () => {
      const { store, clock } = this.#deps;
      const wrong = request.name === undefined ? undefined : nameError(request.name);
      if (wrong !== undefined) throw invalid(wrong);
      for (;;) {
        const before = request.name === undefined ? undefined : await readStored(store, request.name);
        const files = filesOf(request, before?.files);
        if (!files.ok) throw invalid(files.error);
        const { name } = files.value;
        const known = before ?? (await readStored(store, name));
        checkRevision(name, known?.revision ?? 0, expectedRevision);
        if (known === undefined && (await countAdded(store)) >= MAX_ADDED_SKILLS)
          throw problem("skills", "skill_limit_reached", `${MAX_ADDED_SKILLS} skills were added already`);
        const stored = { ...files.value, added_at_ms: clock.now(), added_by: by.principal };
        const revision = (known?.revision ?? 0) + 1;
        const skill = loaded(stored, revision);
        if (!skill.ok) throw invalid(skill.error);
        this.#refuseUnlocked(skill.value);
        const { digest } = skill.value;
        const type = known === undefined ? "skill_added" : "skill_replaced";
        const landed = await this.#commit(
          [putSkill(stored, revision - 1), this.#event(type, { name, digest })],
          { ...by, target: `skills/${name}`, change: { set: name, digest } },
        );
        if (landed) return { created: known === undefined, view: viewOf(skill.value) };
      }
    });
  }

  /** What a lock file leaves out would be there and not be used. */
  #refuseUnlocked({ name, digest }: Skill): void {
    const { lock } = this.#found;
    if (lock === undefined || lock.lock.skills.some((pin) => pin.name === name && pin.digest === digest))
      return;
    throw problem(
      "skills",
      "skill_not_loaded",
      `this daemon uses the skills of its lock file only, which does not have '${name}' with digest ${digest}`,
    );
  }

  /** False when somebody else was quicker. */
  async #commit(ops: Parameters<AuditLedger["commitAdmin"]>[0], change: AdminChange): Promise<boolean> {
    const result = await this.#deps.audit.commitAdmin(ops, change);
    if (!result.ok) return false;
    await this.#readAdded();
    this.#take();
    return true;
  }

  async #readAdded(): Promise<void> {
    const warnings: string[] = [];
    this.#added = await readAdded(this.#deps.store, (message) => void warnings.push(message));
    this.#addedWarnings = warnings;
  }

  #take(): void {
    this.#deps.library.load([...this.#found.skills, ...this.#added], this.#found.lock?.lock);
  }

  #event(type: string, data: JsonObject): AppendOp {
    return { op: "append", stream: RUNTIME_STREAM, events: [{ type, atMs: this.#deps.clock.now(), data }] };
  }
}

function checkRevision(name: string, revision: number, expected: number | undefined): void {
  if (expected === undefined || expected === revision) return;
  if (expected === 0)
    throw problem(
      "skills",
      "skill_exists",
      `skill '${name}' was added already: PUT /v1/runtime/skills/{skill_name} replaces it`,
    );
  throw problem(
    "skills",
    "skill_revision_conflict",
    `skill '${name}' is at revision ${revision}, not ${expected}`,
  );
}

function diffOf(before: ReadonlyMap<string, string>, after: readonly Skill[]) {
  const names = new Set(after.map(({ name }) => name));
  return {
    added: after.filter(({ name }) => !before.has(name)).map(({ name }) => name),
    removed: [...before.keys()].filter((name) => !names.has(name)),
    changed: after
      .filter(({ name, digest }) => before.has(name) && before.get(name) !== digest)
      .map(({ name }) => name),
  };
}

function invalid(message: string) {
  return problem("skills", "skill_invalid", message);
}
