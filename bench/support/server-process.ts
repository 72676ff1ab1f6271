import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { connect, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { atExit } from "./cleanup.ts";

export interface ServerOptions {
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Whether the server can work: a URL that answers 200, or a port that accepts. */
  ready: { url: string } | { port: number };
  /** File that its output is appended to. */
  log: string;
}

const READY_WITHIN_MS = 120_000;
const POLL_MS = 4;

/** A server in a process of its own, on whatever side of a comparison: all are started and measured alike. */
export class ServerProcess {
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;
  #forget: () => void = () => undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** Answers the ms from the spawn to the first 200. */
  async start(): Promise<number> {
    const { command, args, env, cwd, log } = this.#options;
    const begun = performance.now();
    const file = openSync(log, "a");
    const child = spawn(command, args, {
      stdio: ["ignore", file, file],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    closeSync(file);
    this.#child = child;
    child.on("error", () => undefined);
    this.#forget = atExit(() => child.kill("SIGKILL"));
    while (!(await isReady(this.#options.ready))) {
      if (child.exitCode !== null || child.pid === undefined) throw new Error(this.#failure("ended"));
      if (performance.now() - begun > READY_WITHIN_MS) throw new Error(this.#failure("did not become ready"));
      await pause(POLL_MS);
    }
    return performance.now() - begun;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("the server is not running");
    return pid;
  }

  /** Resident memory now, in MB of a million bytes. */
  rssMb(): number {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"));
    return (Number(line?.[1]) * 1024) / 1e6;
  }

  /** No handler runs, no buffer is flushed. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#forget();
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const impatience = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await gone;
    clearTimeout(impatience);
  }

  #failure(what: string): string {
    const output = readFileSync(this.#options.log, "utf8").slice(-600);
    return `${this.#options.command} ${what}: ${output}`;
  }
}

function isReady(ready: ServerOptions["ready"]): Promise<boolean> {
  return "url" in ready ? answers(ready.url) : accepts(ready.port);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** A connection of its own each time: one that was refused must not delay the next. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode === 200));
    });
    request.on("error", () => resolve(false));
  });
}

/** Below what the kernel gives to outgoing connections, any of which may sit on a port while its server is down. */
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_000;
const given = new Set<number>();

/** A port that nobody listens on, and that was given to nobody here before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (given.has(port) || !(await canListen(port))) continue;
    given.add(port);
    return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
