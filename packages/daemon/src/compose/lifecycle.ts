import { keepModelBudget, rearmGoals } from "../engine/index.ts";
import { isHeldCopy, releaseCopy } from "../features/backup/index.ts";
import type { DebugRetention } from "../features/debug/index.ts";
import { sleep } from "../kernel/clock.ts";
import { StoreError } from "../kernel/store.ts";
import type { JournalTail } from "../kernel/tail.ts";
import type { Configuration } from "./configuration.ts";
import type { Engine } from "./engine.ts";
import type { Hooks } from "./hooks.ts";
import { type Daemon, type DaemonSettings, ownerOf, type World } from "./world.ts";

export interface Workers {
  tail: JournalTail;
  configuration: Configuration;
  hooks: Hooks;
  engine: Engine;
  retention: DebugRetention;
}

/** What servers get to end by themselves. */
const MCP_STOP_MS = 500;
/** What the last anchor of the audit gets when the daemon stops; the next daemon makes it otherwise. */
const AUDIT_STOP_MS = 100;

/** Between two looks at a disk that was full at the start. */
const LOOK_FOR_ROOM_MS = 1_000;

/** In which order a daemon begins to act, and how it comes to rest. */
export class Lifecycle implements Pick<Daemon, "isReady" | "start" | "drain"> {
  readonly #world: World;
  readonly #settings: DaemonSettings;
  readonly #workers: Workers;
  #ready = false;
  #holding = false;
  readonly #draining = new AbortController();
  #starting: Promise<void> | undefined;

  constructor(world: World, settings: DaemonSettings, workers: Workers) {
    this.#world = world;
    this.#settings = settings;
    this.#workers = workers;
  }

  readonly isReady = (): boolean => this.#ready;

  /** This daemon runs on a restored copy that nobody has released: it shows everything and does nothing. */
  readonly isHoldingStill = (): boolean => this.#holding;

  async start(): Promise<void> {
    const { store, clock, audit, credentials, log, accounts } = this.#world;
    const { tail, configuration, engine } = this.#workers;
    const { debug, permissionMode, modelBudget, releaseRestoredCopy } = this.#settings;
    const isCopy = await isHeldCopy(store);
    this.#holding = isCopy && releaseRestoredCopy !== true;
    await audit.begin({ holds: this.#holding });
    await debug?.refresh();
    await credentials.start();
    await configuration.routes.refresh();
    await configuration.runtime.load(permissionMode);
    await configuration.skills.start();
    await keepModelBudget(engine.commands, modelBudget);
    const hasRoom = await this.#takeOver();
    await tail.start();
    await audit.start(tail);
    // Last: a copy whose audit key was refused has not been released.
    if (isCopy && !this.#holding) await releaseCopy({ store, clock, audit: audit.ledger });
    if (this.#holding) {
      accounts?.holdStill();
      log.warn({}, "this store was restored from a backup: no run goes on before 'serve --resume-restored'");
    } else if (hasRoom) {
      await this.#startWorkers();
    } else {
      log.warn({}, "the disk is full: this daemon answers, and its runs go on when there is room");
      this.#starting = this.#startWithRoom();
    }
    this.#ready = true;
  }

  /** What the dead daemon held is free again, and nothing of it began to be held by this one. False on a full disk. */
  async #takeOver(): Promise<boolean> {
    const { store, clock } = this.#world;
    try {
      // The state root's lock proves that whoever held these before is dead.
      await store.commit([{ op: "release-owner", owner: ownerOf(this.#settings.instanceId) }]);
      await rearmGoals(store, clock.now());
      return true;
    } catch (error) {
      if (error instanceof StoreError && error.code === "full") return false;
      throw error;
    }
  }

  /** A daemon that cannot act later than at its start says so; it is there all the same. */
  async #startWithRoom(): Promise<void> {
    const { clock, log } = this.#world;
    const { signal } = this.#draining;
    try {
      do {
        await sleep(clock, LOOK_FOR_ROOM_MS, signal);
        if (signal.aborted) return;
      } while (!(await this.#takeOver()));
      await this.#startWorkers();
      log.info({}, "there is room on the disk: runs go on");
    } catch (error) {
      this.#ready = false;
      log.error({ err: String(error) }, "runs do not go on: the daemon could not begin to act");
    }
  }

  async #startWorkers(): Promise<void> {
    const { tail, configuration, hooks, engine, retention } = this.#workers;
    const { mcp } = configuration;
    // Before any run goes on: a call of a tool that is not there yet would be refused.
    await mcp?.start().catch(async (error: unknown) => {
      tail.stop();
      await mcp.stop();
      throw error;
    });
    engine.host?.start();
    await engine.notices.start();
    engine.timers.start();
    engine.executor.start();
    if (this.#settings.debug !== undefined) retention.start();
    await hooks.watchers.start();
    await hooks.watches.start();
  }

  async drain(deadlineMs: number): Promise<void> {
    const { clock, audit } = this.#world;
    const { tail, configuration, hooks, engine, retention } = this.#workers;
    const within = (ms: number, stopped: Promise<unknown>) => Promise.race([stopped, sleep(clock, ms)]);
    this.#ready = false;
    this.#draining.abort();
    if (this.#starting !== undefined) await within(deadlineMs, this.#starting);
    retention.stop();
    await Promise.all([
      within(deadlineMs, engine.timers.stop()),
      within(deadlineMs, hooks.watchers.stop()),
      within(deadlineMs, stopCommands(engine)),
      within(deadlineMs, hooks.watches.stop()),
      engine.executor.drain(deadlineMs),
    ]);
    if (configuration.mcp !== undefined) await within(MCP_STOP_MS, configuration.mcp.stop());
    await within(AUDIT_STOP_MS, audit.stop());
    tail.stop();
  }
}

async function stopCommands({ host, notices }: Engine): Promise<void> {
  await host?.stop();
  await notices.stop();
}
