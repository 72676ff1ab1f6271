import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { packageFile } from "../../../kernel/package.ts";
import type { CliClock } from "../context.ts";
import { steadyPort } from "./steady-port.ts";
import type { DemoPlace } from "./workspace.ts";

const BIN = fileURLToPath(packageFile("bin/kheish.js"));
/** For a machine that has much else to do; a daemon that cannot start says so by ending. */
const READY_WITHIN_MS = 60_000;
const POLL_MS = 20;

/** A real daemon in a process of its own, and whoever starts it again when it dies. */
export class DaemonProcess {
  readonly #place: DemoPlace;
  readonly #clock: CliClock;
  readonly #flags: readonly string[];
  /** The same after every restart, so that clients find the daemon where it was. */
  readonly #bind: string;
  #child: ChildProcess | undefined;
  restarts = 0;

  private constructor(place: DemoPlace, port: number, clock: CliClock, flags: readonly string[]) {
    this.#place = place;
    this.#bind = `127.0.0.1:${port}`;
    this.#clock = clock;
    this.#flags = flags;
  }

  static async start(
    place: DemoPlace,
    clock: CliClock,
    flags: readonly string[] = [],
  ): Promise<DaemonProcess> {
    const daemon = new DaemonProcess(place, await steadyPort(), clock, flags);
    await daemon.#spawn();
    return daemon;
  }

  get baseUrl(): string {
    return `http://${this.#bind}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** SIGKILL: no handler runs, no buffer is flushed. Resolves when the kernel says that it is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async restart(): Promise<void> {
    this.restarts += 1;
    await this.#spawn();
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #spawn(): Promise<void> {
    const file = openSync(this.#place.log, "a");
    const saidBefore = fstatSync(file).size;
    this.#child = spawn(process.execPath, this.#arguments(), { stdio: ["ignore", file, file] });
    closeSync(file);
    await this.#ready(saidBefore);
  }

  #arguments(): string[] {
    const { stateRoot, workspace } = this.#place;
    const places = ["--bind", this.#bind, "--state-root", stateRoot, "--workspace-root", workspace];
    return [BIN, "serve", ...places, "--log-format", "json", ...this.#flags];
  }

  /** In its own words: whoever answers at an address may be another daemon. */
  async #ready(saidBefore: number): Promise<void> {
    const deadline = this.#clock.now() + READY_WITHIN_MS;
    while (this.#clock.now() < deadline) {
      const said = (await readFile(this.#place.log)).subarray(saidBefore).toString();
      if (/"kheish is ready".*\n/.test(said)) return;
      if (this.#child?.exitCode !== null || this.#child.signalCode !== null) break;
      await this.#clock.sleep(POLL_MS);
    }
    throw new Error(`the daemon did not become ready; its log is ${this.#place.log}`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    await gone;
  }
}
