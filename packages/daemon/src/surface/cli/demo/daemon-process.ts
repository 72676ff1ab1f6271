import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { packageFile } from "../../../kernel/package.ts";
import type { CliClock } from "../context.ts";
import type { DemoPlace } from "./workspace.ts";

const BIN = fileURLToPath(packageFile("bin/kheish.js"));
const READY_WITHIN_MS = 15_000;
const POLL_MS = 20;

/** A real daemon in a process of its own, and whoever starts it again when it dies. */
export class DaemonProcess {
  readonly #place: DemoPlace;
  readonly #port: number;
  readonly #clock: CliClock;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  restarts = 0;

  private constructor(place: DemoPlace, port: number, clock: CliClock, flags: readonly string[]) {
    this.#place = place;
    this.#port = port;
    this.#clock = clock;
    this.#flags = flags;
  }

  static async start(
    place: DemoPlace,
    clock: CliClock,
    flags: readonly string[] = [],
  ): Promise<DaemonProcess> {
    const daemon = new DaemonProcess(place, await freePort(), clock, flags);
    await daemon.#spawn();
    return daemon;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
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
    this.#child = spawn(process.execPath, this.#arguments(`127.0.0.1:${this.#port}`), {
      stdio: ["ignore", file, file],
    });
    closeSync(file);
    await this.#ready();
  }

  #arguments(bind: string): string[] {
    const { stateRoot, workspace } = this.#place;
    const places = ["--bind", bind, "--state-root", stateRoot, "--workspace-root", workspace];
    return [BIN, "serve", ...places, "--log-format", "json", ...this.#flags];
  }

  async #ready(): Promise<void> {
    const deadline = this.#clock.now() + READY_WITHIN_MS;
    while (this.#clock.now() < deadline) {
      const answer = await fetch(`${this.baseUrl}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      if (this.#child?.exitCode !== null) break;
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

/** The same port after every restart, so that clients find the daemon where it was. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
