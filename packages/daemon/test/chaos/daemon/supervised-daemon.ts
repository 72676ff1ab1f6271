import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { steadyPort } from "../../../src/surface/cli/demo/steady-port.ts";

export interface DaemonPlace {
  stateRoot: string;
  workspace: string;
  log: string;
  /** `sqlite`, or the URL of a PostgreSQL database. */
  store: string;
  /** The tool server. */
  worldUrl: string;
  /** Flags of Node itself. */
  nodeFlags: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Of `serve`, besides its places. */
  flags?: readonly string[];
}

const ENTRY = fileURLToPath(new URL("./entry.ts", import.meta.url));
const READY_WITHIN_MS = 90_000;
const POLL_MS = 20;
const RESPAWN_AFTER_MS = 200;
/** What a daemon needs of our environment: no provider key, so that every run is the simulator's. */
const PASSED_ON = ["PATH", "TMPDIR", "LANG"];

/** A daemon in a process of its own, and the supervisor that starts it again whenever it ends. */
export class SupervisedDaemon {
  readonly #place: DaemonPlace;
  readonly #port: number;
  #child: ChildProcess | undefined;
  #ended = Promise.resolve();
  #incarnation = 0;
  #wasReady = false;
  #wanted = false;
  #isDisposed = false;
  /** Starts that ended before the daemon was ready: its store could not be reached. */
  failedStarts = 0;
  /** It ended on its own after it had been ready. */
  crashes = 0;

  private constructor(place: DaemonPlace, port: number) {
    this.#place = place;
    this.#port = port;
  }

  /** Not started yet. */
  static async at(place: DaemonPlace): Promise<SupervisedDaemon> {
    return new SupervisedDaemon(place, await steadyPort());
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Processes after the first. */
  get restarts(): number {
    return this.#incarnation - 1;
  }

  /** SIGKILL, and at once the next process; resolves when that one has been started. */
  async kill(): Promise<void> {
    this.#wanted = false;
    this.#child?.kill("SIGKILL");
    await this.#ended;
    this.#wanted = true;
    this.#spawn();
  }

  /** SIGTERM; resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#wanted = false;
    this.#child?.kill("SIGTERM");
    await this.#ended;
  }

  /** The end of it all, in whatever state it is; whoever still wants to start it does nothing. */
  async dispose(): Promise<void> {
    this.#wanted = false;
    this.#isDisposed = true;
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    this.#wanted = true;
    this.#spawn();
    await this.ready();
  }

  async ready(): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS;
    while (performance.now() < deadline && !this.#isDisposed) {
      const child = this.#child;
      const signal = AbortSignal.timeout(2_000);
      const answer = await fetch(`${this.baseUrl}/readyz`, { signal }).catch(() => undefined);
      if (answer?.ok && child === this.#child) {
        this.#wasReady = true;
        return;
      }
      await delay(POLL_MS);
    }
    throw new Error(`the daemon was not ready within ${READY_WITHIN_MS / 1_000} s`);
  }

  #spawn(): void {
    if (this.#isDisposed) return;
    const { log, nodeFlags, env, worldUrl } = this.#place;
    this.#incarnation += 1;
    this.#wasReady = false;
    const file = openSync(log, "a");
    const child = spawn(process.execPath, [...nodeFlags, ENTRY, "serve", ...this.#flags()], {
      stdio: ["ignore", file, file],
      env: {
        ...Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]])),
        // No profile of ours: a command that is killed in the middle of it would leave what it did half-done.
        HOME: this.#place.workspace,
        ...env,
        KHEISH_CHAOS_WORLD: worldUrl,
        KHEISH_CHAOS_INCARNATION: String(this.#incarnation),
      },
    });
    closeSync(file);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("exit", () => {
        resolve();
        if (this.#wanted) void this.#recover();
      });
    });
  }

  #flags(): string[] {
    const { stateRoot, workspace, store, flags = [] } = this.#place;
    const places = ["--state-root", stateRoot, "--workspace-root", workspace, "--store", store];
    return ["--bind", `127.0.0.1:${this.#port}`, ...places, "--log-format", "json", ...flags];
  }

  /** Nobody asked it to end. */
  async #recover(): Promise<void> {
    if (this.#wasReady) this.crashes += 1;
    else this.failedStarts += 1;
    const ended = this.#incarnation;
    await delay(RESPAWN_AFTER_MS);
    if (!this.#wanted || ended !== this.#incarnation) return;
    this.#spawn();
    await this.ready().catch(() => undefined);
  }
}
