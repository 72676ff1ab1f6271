import type { HookInput, HookPayload, Json } from "@kheish/contract";
import { type HookPort, hookInput, read, recorded, sessionOfStream } from "../../../engine/index.ts";
import type { Clock, Timer } from "../../../kernel/clock.ts";
import type { Log } from "../../../kernel/log.ts";
import type { Op, Store, StoredEvent } from "../../../kernel/store.ts";
import { ABSENT, directoryOf, type Fingerprint, fingerprintOf } from "./fingerprint.ts";
import { Hints, type WatchDirectory } from "./hints.ts";
import {
  deleteWatch,
  idOf,
  type KeptWatch,
  listWatches,
  putWatch,
  readWatch,
  type Watch,
} from "./records.ts";
import { fulfil, MAX_IN_ALL, MAX_PER_SESSION, refusalOf } from "./wishes.ts";

/** How often every watched path is looked at, whether or not the system said that something changed. */
const LOOK_MS = 5_000;
/** From the first word of the system to the look: what is written in many steps is told of once. */
const SETTLE_MS = 500;

export interface FileWatchesOptions {
  store: Store;
  clock: Clock;
  log: Log;
  workspaceRoot: string;
  hooks: () => Pick<HookPort, "active" | "wants" | "announce">;
  /** Absent: paths are looked at, and nothing says when. */
  watchDirectory?: WatchDirectory | undefined;
}

interface Watched extends Watch {
  id: string;
  directory: string | undefined;
}

/**
 * The `watch_paths` of hooks: what becomes of a path is told to the `file_changed` hooks of the session that watches it.
 * What was seen last stands in the store, and is replaced in the commit that has the hooks called: so a change is told
 * of once whatever daemon sees it, and also when it happened while none was there.
 */
export class FileWatches {
  readonly #options: FileWatchesOptions;
  readonly #hints: Hints | undefined;
  #watched = new Map<string, Watched>();
  /** What the hooks are told of in another way: the state in which a tool of the session left a path. */
  readonly #told = new Map<string, Promise<Fingerprint>>();
  /** What the system spoke of since the last look, and when all of them are looked at again. */
  #due = new Set<string>();
  #allAt = 0;
  /** Until then there may come to be more in the store than is known here. */
  #expectingUntil = 0;
  #timer: { timer: Timer; at: number } | undefined;
  #round: Promise<void> = Promise.resolve();
  #state: "held" | "working" | "stopped" = "held";

  constructor(options: FileWatchesOptions) {
    this.#options = options;
    const { watchDirectory } = options;
    this.#hints =
      watchDirectory === undefined
        ? undefined
        : new Hints(watchDirectory, (directory) => this.#hint(directory));
  }

  /** What keeps a hook's answer from being taken, or undefined. */
  refusal(paths: readonly string[]): string | undefined {
    return refusalOf(this.#options.workspaceRoot, paths);
  }

  /** What has these paths watched from the commit on that carries it; those beyond the bounds are not. */
  async opsFor(sessionId: string, paths: readonly string[]): Promise<{ ops: Op[]; error?: string }> {
    const { ops, left } = await fulfil(this.#options, sessionId, paths);
    if (ops.length > 0) {
      this.#expectingUntil = this.#options.clock.now() + 2 * LOOK_MS;
      this.#lookAt([], LOOK_MS);
    }
    if (left === 0) return { ops };
    const bounds = `a session may watch ${MAX_PER_SESSION} paths, all of them ${MAX_IN_ALL}`;
    return { ops, error: `watch_paths: ${left} of them are not watched; ${bounds}` };
  }

  /** A tool of the session changed it, and the hooks are told so: the same state is not told of again. */
  told({ session_id, subject }: HookInput): void {
    if (session_id === undefined || subject === undefined) return;
    const id = idOf({ session_id, path: subject });
    if (!this.#watched.has(id)) return;
    this.#told.set(id, fingerprintOf(this.#options.workspaceRoot, subject));
  }

  async start(): Promise<void> {
    this.#state = "working";
    for (const { id, watch } of await this.#load()) await this.#unlessEnded(id, watch);
    this.#lookAt([], 0);
  }

  /** What any daemon does with a session is heard here. */
  follow(stored: StoredEvent): void {
    if (this.#state !== "working") return;
    const sessionId = sessionOfStream(stored.stream);
    if (sessionId === undefined) return;
    const event = recorded(stored);
    if (event.type === "hooks_called" && event.data.outcome.watch_paths !== undefined) {
      this.#inTurn(async () => {
        await this.#load();
        this.#lookAt([], LOOK_MS);
      });
    } else if (event.type === "session_ended") {
      const isWatched = [...this.#watched.values()].some((one) => one.session_id === sessionId);
      if (isWatched) this.#inTurn(() => this.#forget(sessionId, stored.atMs));
    }
  }

  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#timer?.timer.cancel();
    this.#hints?.close();
    await this.#round;
  }

  /** One thing after the other: what one look writes, the next one has read. */
  #inTurn(work: () => Promise<void>): void {
    this.#round = this.#round.then(work).catch((error: unknown) => {
      this.#options.log.error({ err: String(error) }, "watching files failed");
    });
  }

  async #load(): Promise<KeptWatch[]> {
    const kept = await listWatches(this.#options.store, MAX_IN_ALL);
    this.#watched = new Map(kept.map(({ id, watch }) => [id, { id, ...watch, directory: undefined }]));
    for (const id of this.#told.keys()) if (!this.#watched.has(id)) this.#told.delete(id);
    await this.#orient();
    return kept;
  }

  /** The directories may be others than they were: links, and what was not there yet. */
  async #orient(): Promise<void> {
    if (this.#hints === undefined) return;
    const directories = new Set<string>();
    for (const watched of this.#watched.values()) {
      watched.directory = await directoryOf(this.#options.workspaceRoot, watched.path);
      if (watched.directory !== undefined) directories.add(watched.directory);
    }
    await this.#hints.follow(directories);
  }

  async #unlessEnded(id: string, watch: Watch): Promise<void> {
    const session = await read(this.#options.store, "session", watch.session_id);
    if (session === undefined || session.data.ended_at_ms !== undefined) {
      await this.#options.store.commit([deleteWatch({ id })]);
      this.#watched.delete(id);
    }
  }

  /** What was watched before the session ended; opened again, it may watch anew. */
  async #forget(sessionId: string, endedAtMs: number): Promise<void> {
    const kept = await listWatches(this.#options.store, MAX_PER_SESSION, sessionId);
    const over = kept.filter(({ watch }) => watch.since_ms <= endedAtMs);
    if (over.length > 0) await this.#options.store.commit(over.map(deleteWatch));
    await this.#load();
  }

  #hint(directory: string): void {
    const inIt = [...this.#watched.values()].filter((one) => one.directory === directory);
    this.#lookAt(
      inIt.map(({ id }) => id),
      SETTLE_MS,
    );
  }

  #lookAt(ids: Iterable<string>, inMs: number): void {
    for (const id of ids) this.#due.add(id);
    const { clock } = this.#options;
    const now = clock.now();
    if (this.#state !== "working" || (this.#watched.size === 0 && now > this.#expectingUntil)) return;
    const at = now + inMs;
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.#timer?.timer.cancel();
    const timer = clock.schedule(inMs, () => {
      this.#timer = undefined;
      this.#inTurn(() => this.#look());
    });
    this.#timer = { timer, at };
  }

  async #look(): Promise<void> {
    const now = this.#options.clock.now();
    const hinted = this.#due;
    this.#due = new Set();
    const isAll = now >= this.#allAt;
    if (isAll) this.#allAt = now + LOOK_MS;
    try {
      if (isAll) await (now <= this.#expectingUntil ? this.#load() : this.#orient());
      if (!this.#options.hooks().active) return;
      for (const id of isAll ? [...this.#watched.keys()] : hinted) {
        const watched = this.#watched.get(id);
        if (watched !== undefined && this.#state === "working") await this.#lookAtOne(watched);
      }
    } finally {
      // Whatever kept it from looking, it looks again.
      this.#lookAt([], this.#allAt - now);
    }
  }

  async #lookAtOne(watched: Watched): Promise<void> {
    const { store, workspaceRoot } = this.#options;
    const now = await fingerprintOf(workspaceRoot, watched.path);
    if (now === watched.seen) return;
    const kept = await readWatch(store, watched.id);
    if (kept === undefined) {
      this.#watched.delete(watched.id);
      return;
    }
    const { watch, revision } = kept;
    // Another daemon may have seen it first.
    if (watch.seen !== now) {
      const told = await this.#announcement(watched, watch.seen, now, revision);
      const result = await store.commit([putWatch({ ...watch, seen: now }, revision), ...told]);
      if (!result.ok) return;
    }
    watched.seen = now;
  }

  async #announcement(
    { id, session_id, path }: Watched,
    before: Fingerprint,
    now: Fingerprint,
    revision: number,
  ): Promise<readonly Op[]> {
    const told = this.#told.get(id);
    this.#told.delete(id);
    const hooks = this.#options.hooks();
    if ((await told) === now || !hooks.wants("file_changed", path)) return [];
    const session = await read(this.#options.store, "session", session_id);
    if (session === undefined || session.data.ended_at_ms !== undefined) return [];
    const { agent_id } = session.data;
    const change = before === ABSENT ? "created" : now === ABSENT ? "deleted" : "modified";
    const payload: HookPayload<"file_changed"> = { path, change };
    const place: Json = ["watched", path, revision];
    const call = { subject: path, place, payload };
    const ops = hooks.announce(hookInput("file_changed", { session_id, agent_id }, call));
    // The announcement was this one.
    this.#told.delete(id);
    return ops;
  }
}
