import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./cleanup.ts";
import { BIN } from "./published.ts";
import { freePort, ServerProcess } from "./server-process.ts";

/** Flags of a daemon whose tools ask nobody. */
export const UNATTENDED = ["--permission-mode", "bypass-permissions"];

export interface DaemonOptions {
  flags?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Options of Node itself, such as a profiler's. */
  nodeArgs?: readonly string[];
  /** A state root to begin with; it is copied. */
  stateFrom?: string;
}

/** A daemon in a process of its own with a state root of its own; the load comes from this process. */
export class Daemon {
  readonly baseUrl: string;
  readonly stateRoot: string;
  readonly workspace: string;
  readonly process: ServerProcess;
  readonly #folder: ReturnType<typeof temporaryFolder>;

  private constructor(
    folder: ReturnType<typeof temporaryFolder>,
    port: number,
    stateRoot: string,
    options: DaemonOptions,
  ) {
    this.#folder = folder;
    this.baseUrl = `http://127.0.0.1:${port}`;
    this.stateRoot = stateRoot;
    this.workspace = join(folder.path, "workspace");
    mkdirSync(this.workspace);
    const places = ["--state-root", stateRoot, "--workspace-root", this.workspace];
    const quiet = ["--log-format", "json", "--log-level", "error"];
    this.process = new ServerProcess({
      command: process.execPath,
      args: [
        ...(options.nodeArgs ?? []),
        BIN,
        "serve",
        ...["--bind", `127.0.0.1:${port}`],
        ...places,
        ...quiet,
        ...(options.flags ?? []),
      ],
      ...(options.env === undefined ? {} : { env: options.env }),
      ready: { url: `${this.baseUrl}/readyz` },
      log: join(folder.path, "log"),
    });
  }

  /** Not started yet. */
  static async prepare(options: DaemonOptions = {}): Promise<Daemon> {
    const folder = temporaryFolder("daemon");
    const stateRoot = join(folder.path, "state");
    if (options.stateFrom !== undefined) cpSync(options.stateFrom, stateRoot, { recursive: true });
    return new Daemon(folder, await freePort(), stateRoot, options);
  }

  static async start(options: DaemonOptions = {}): Promise<Daemon> {
    const daemon = await Daemon.prepare(options);
    await daemon.process.start();
    return daemon;
  }

  get database(): string {
    return join(this.stateRoot, "kheish.db");
  }

  /** Ends it and removes everything it kept. */
  async remove(): Promise<void> {
    await this.process.kill();
    this.#folder.remove();
  }
}
