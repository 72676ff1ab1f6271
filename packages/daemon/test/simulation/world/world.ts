import type { Json } from "@kheish/contract";
import type { Store } from "../../../src/kernel/store.ts";
import type { CheckName } from "../invariants/check.ts";
import type { Death, Plan } from "../plan/plan.ts";
import { CALM, type Weather } from "../plan/weather.ts";
import { Authorization } from "./authorization.ts";
import { Commands } from "./commands.ts";
import type { Disk } from "./disk.ts";
import { FileDisk } from "./file-disk.ts";
import { OutsideHooks, setHooks } from "./hooks.ts";
import { hasLanded } from "./landed.ts";
import { MemoryBlobs } from "./memory-blobs.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { Network } from "./network.ts";
import { Outside } from "./outside.ts";
import { Prng } from "./prng.ts";
import { SimulatedProcess } from "./process.ts";
import { type ModelCall, placeProviderKey, providerSlot } from "./provider.ts";
import { Remote } from "./remote.ts";
import { type Owner, Scheduler } from "./scheduler.ts";
import { setBudget } from "./set-budget.ts";
import { type Answered, type Arrival, storeFront } from "./store-front.ts";

/** Counted as they happen: a simulation in which one of them never does proves nothing about it. */
export type Mark = string;

/** A line of what happened, for whoever reads a failing seed. */
export interface Line {
  atMs: number;
  who: string;
  what: string;
}

/** Something that must never be was. Ends the simulation. */
export class Violation extends Error {
  readonly check: CheckName;

  constructor(check: CheckName, detail: string) {
    super(detail);
    this.check = check;
  }
}

export interface WorldListener {
  onCommit: (answered: Answered) => void;
  onBoot: (process: SimulatedProcess) => void;
  /** A daemon asks a model, for the outside to count. */
  onModelCall: (process: SimulatedProcess, call: ModelCall) => void;
  beforeLook: () => number;
  onDenied: (runId: string, why: string) => void;
  onToken: (bearer: string, looked: number, isAccepted: boolean) => void;
  /** A daemon has logged an error. */
  onError: (process: SimulatedProcess, message: string, fields: Json) => void;
}

/** The key in the provider's slot, or the name of whoever is logged in there, before anybody changes it. */
const FIRST_SECRET = "the provider's first key";
const FIRST_BOOT_MS = 5;
/** A daemon that cannot start is started again. */
const RETRY_BOOT_MS = 500;

/** Everything there is: the processes, what lies between and below them, and the world outside. */
export class World implements Owner {
  readonly name = "world";
  readonly alive = true;
  readonly plan: Plan;
  readonly prng: Prng;
  readonly scheduler: Scheduler;
  readonly outside: Outside;
  readonly hooks: OutsideHooks;
  readonly authorization: Authorization;
  readonly commands: Commands;
  readonly remote: Remote | undefined;
  readonly network: Network;
  readonly marks = new Map<Mark, number>();
  readonly lines: Line[] = [];
  readonly processes: SimulatedProcess[] = [];
  readonly #disk: Disk;
  readonly #blobs = new MemoryBlobs();
  readonly #deaths: Death[];
  readonly #traced: boolean;
  #inner: Promise<Store> | undefined;
  #opened: Store | undefined;
  #doubts: Answered[] = [];
  #commits = 0;
  #healed = false;
  /** The last time that something was in the way of a daemon doing its work. */
  troubledUntilMs = 0;
  listener: WorldListener = {
    onCommit: () => undefined,
    onBoot: () => undefined,
    onModelCall: () => undefined,
    beforeLook: () => 0,
    onDenied: () => undefined,
    onToken: () => undefined,
    onError: () => undefined,
  };
  violation: Violation | undefined;

  constructor(plan: Plan, options: { traced: boolean }) {
    this.plan = plan;
    this.prng = new Prng(plan.seed);
    this.scheduler = new Scheduler(this.prng.fork("order"));
    this.outside = new Outside(this.scheduler, this.prng.fork("outside"), plan);
    this.commands = new Commands(this.scheduler, plan.seed);
    this.hooks = new OutsideHooks(this.scheduler, this.prng.fork("hooks"), plan);
    this.authorization = new Authorization({
      scheduler: this.scheduler,
      prng: this.prng.fork("authorization"),
      plan: plan.access?.account,
      isCalm: () => this.#healed,
    });
    const { remote } = plan;
    if (remote !== undefined) {
      this.remote = new Remote({
        scheduler: this.scheduler,
        prng: this.prng.fork("remote"),
        plan,
        remote,
        callOf: (id) => this.outside.call(id),
        count: (id) => this.outside.count(id),
        do: (effect) => this.outside.do(effect),
        onDeath: () => {
          this.mark("death: of the MCP server");
          this.tell("remote", () => "dies");
        },
      });
    }
    this.network = new Network({
      scheduler: this.scheduler,
      prng: this.prng.fork("network"),
      weather: () => this.weather,
      processes: () => this.processes,
      onTalk: (client, text) => this.tell(client.name, text),
      onIncident: (process, endpoint, error) =>
        this.violate("incident", `${endpoint} on ${process.name}: ${describe(error)}`),
      beforeToken: () => this.listener.beforeLook(),
      onToken: (bearer, looked, isAccepted) => this.listener.onToken(bearer, looked, isAccepted),
    });
    this.#disk = plan.onFiles ? new FileDisk() : new MemoryDisk();
    this.#deaths = [...plan.deaths];
    this.#traced = options.traced;
  }

  get weather(): Weather {
    return this.#healed ? CALM : this.plan.weather;
  }

  get commits(): number {
    return this.#commits;
  }

  /** The store itself, for checks; undefined while nobody has it open. */
  get store(): Store | undefined {
    return this.#opened;
  }

  /** The daemon in a slot, dead or alive, as it last was. */
  latest(slot: number): SimulatedProcess | undefined {
    return this.processes.findLast((process) => process.slot === slot);
  }

  mark(mark: Mark): void {
    this.marks.set(mark, (this.marks.get(mark) ?? 0) + 1);
  }

  tell(who: string, what: () => string): void {
    if (this.#traced) this.lines.push({ atMs: this.scheduler.elapsed, who, what: what() });
  }

  violate(check: CheckName, detail: string): void {
    this.tell("check", () => `VIOLATED ${check}: ${detail}`);
    this.violation ??= new Violation(check, detail);
  }

  /** From here on nothing goes wrong any more; what was broken comes back. */
  heal(): void {
    this.#healed = true;
    this.troubledUntilMs = Math.max(this.troubledUntilMs, this.scheduler.now);
    for (const process of this.processes) process.skewMs = 0;
  }

  /** What an earlier daemon left, before time begins. */
  async prepare(): Promise<void> {
    const { budget, hooks, access } = this.plan;
    if (budget === undefined && hooks === undefined && access?.leased !== true) return;
    const inner = await this.#open();
    await setBudget(inner, budget, this.scheduler.now);
    await setHooks(inner, hooks);
    if (access?.leased !== true) return;
    const first = providerSlot(this.authorization, this.plan, FIRST_SECRET);
    await placeProviderKey(inner, this.scheduler.now, first);
    const { endsAtMs } = access.account ?? {};
    if (endsAtMs === undefined) return;
    this.scheduler.schedule(endsAtMs, this, "login ends", () => this.authorization.end(FIRST_SECRET));
  }

  start(): void {
    this.remote?.start(this);
    for (let slot = 0; slot < this.plan.daemons; slot++) this.#bootIn(slot, FIRST_BOOT_MS + slot);
    for (const death of this.plan.deaths) {
      if (death.at !== "time") continue;
      this.scheduler.schedule(death.atMs, this, "death", () => {
        const victim = this.latest(death.daemon);
        if (victim?.alive) this.kill(victim, `killed at ${death.atMs} ms`, death.downMs);
      });
    }
  }

  /** SIGKILL, and a supervisor that starts the daemon again. */
  kill(process: SimulatedProcess, why: string, downMs = RETRY_BOOT_MS): void {
    if (!process.alive) return;
    this.mark(`death: ${why.replace(/ \d.*| at the end/, "")}`);
    this.tell(process.name, () => `dies: ${why}`);
    process.die();
    if (this.processes.every((one) => !one.alive)) {
      this.#opened = undefined;
      this.#inner = undefined;
      this.#crashing = this.#disk.crash();
    }
    this.#bootIn(process.slot, downMs);
  }

  /** The machine does not let it run for so long. */
  pause(process: SimulatedProcess, forMs: number): void {
    if (!process.alive) return;
    this.mark("paused");
    this.tell(process.name, () => `is paused for ${forMs} ms`);
    process.pausedUntil = Math.max(process.pausedUntil, this.scheduler.now + forMs);
    process.pauses += 1;
    this.troubledUntilMs = Math.max(this.troubledUntilMs, process.pausedUntil);
  }

  #crashing: Promise<void> = Promise.resolve();

  async remove(): Promise<void> {
    for (const process of this.processes) process.die();
    await this.#crashing;
    await this.#disk.remove();
  }

  #bootIn(slot: number, delayMs: number): void {
    this.scheduler.schedule(
      delayMs,
      this,
      "boot",
      () =>
        void this.#boot(slot).catch((error: unknown) => {
          this.violate("start", describe(error));
        }),
    );
  }

  async #boot(slot: number): Promise<void> {
    const inner = await this.#open();
    const incarnation = this.processes.filter((process) => process.slot === slot).length;
    const process = new SimulatedProcess(
      {
        scheduler: this.scheduler,
        prng: this.prng,
        plan: this.plan,
        blobs: this.#blobs,
        openStore: (of) => this.#front(of, inner),
        tools: (of) => this.outside.tools(of),
        shells: (of) => this.commands.shellsFor(of),
        hook: (of) => this.hooks.callback(of),
        authorization: this.authorization,
        ...(this.remote === undefined ? {} : { connect: this.remote.connect.bind(this.remote) }),
        onModelCall: (of, call) => this.listener.onModelCall(of, call),
        beforeLook: () => this.listener.beforeLook(),
        onDenied: (runId, why) => this.listener.onDenied(runId, why),
        onLog: (of, level, fields, message) => this.#onLog(of, level, fields, message),
      },
      slot,
      incarnation,
    );
    this.processes.push(process);
    if (this.#healed) process.skewMs = 0;
    this.mark(incarnation === 0 ? "booted" : "booted again");
    this.tell(process.name, () => "boots");
    this.troubledUntilMs = this.scheduler.now;
    this.listener.onBoot(process);
    try {
      await process.daemon.start();
      process.started = true;
    } catch (error) {
      // A start that the store did not let happen ends the process, as it does in `main.ts`.
      this.kill(process, `could not start: ${describe(error)}`);
    }
  }

  async #open(): Promise<Store> {
    await this.#crashing;
    this.#inner ??= this.#disk.open();
    const inner = await this.#inner;
    this.#opened = inner;
    for (const answered of this.#doubts.splice(0)) {
      const landed = await hasLanded(inner, answered);
      this.mark(landed ? "torn write landed" : "torn write lost");
      if (landed) this.listener.onCommit(answered);
    }
    return inner;
  }

  #front(process: SimulatedProcess, inner: Store): Store {
    return storeFront(process, {
      scheduler: this.scheduler,
      prng: this.prng.fork(`store of ${process.name}`),
      weather: () => this.weather,
      inner,
      nextNumber: () => {
        this.#commits += 1;
        return this.#commits;
      },
      deathAt: (arrival) => this.#deathAt(arrival),
      kill: (victim, why) => this.kill(victim, why, this.#downMs),
      pause: (victim) => this.pause(victim, this.#downMs),
      cutDuring: (write, seed) => this.#disk.cutDuring(write, seed),
      onAnswer: (answered) => this.listener.onCommit(answered),
      onDoubt: (answered) => this.#doubts.push(answered),
    });
  }

  #downMs = RETRY_BOOT_MS;

  #deathAt(arrival: Arrival) {
    if (this.#healed) return undefined;
    const index = this.#deaths.findIndex((death) => death.at === "commit" && death.commit <= arrival.number);
    const death = this.#deaths[index];
    if (death?.at !== "commit") return undefined;
    this.#deaths.splice(index, 1);
    this.#downMs = death.downMs;
    return death.side;
  }

  #onLog(process: SimulatedProcess, level: string, fields: Json, message: string): void {
    this.tell(process.name, () => `${level}: ${message} ${JSON.stringify(fields)}`);
    if (level !== "error") return;
    this.mark(`logged: ${message}`);
    this.listener.onError(process, message, fields);
  }
}

export function describe(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? error.message).split("\n").slice(0, 4).join(" | ")
    : String(error);
}
