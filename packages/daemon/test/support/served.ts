import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningDaemon, serve } from "../../src/main.ts";
import type { ServeOptions } from "../../src/surface/cli/serve-options.ts";

/** What a test may choose; address and directories are the test daemon's own. */
export type ServedOptions = Pick<ServeOptions, "store"> &
  Partial<Omit<ServeOptions, "bind" | "stateRoot" | "workspaceRoot" | "routesFile">> & {
    /** The text of a routes file. */
    routes?: string;
    /** Beside what every test daemon has. */
    env?: Readonly<Record<string, string>>;
  };

/** The whole daemon behind its HTTP door: a free port, a state root and a workspace of its own. */
export class ServedDaemon {
  /** Holds the workspace and the state root. */
  readonly directory: string;
  readonly workspace: string;
  #options: ServedOptions;
  #running: RunningDaemon | undefined;

  private constructor(directory: string, options: ServedOptions) {
    this.directory = directory;
    this.workspace = join(directory, "workspace");
    this.#options = options;
  }

  static async start(options: ServedOptions): Promise<ServedDaemon> {
    const daemon = new ServedDaemon(await mkdtemp(join(tmpdir(), "kheish-served-")), options);
    await mkdir(daemon.workspace);
    await daemon.start();
    return daemon;
  }

  /** Another address after each restart. */
  get baseUrl(): string {
    if (this.#running === undefined) throw new Error("the daemon is not running");
    return this.#running.baseUrl;
  }

  /** `once`: for this start only. */
  async start(once: Partial<ServedOptions> = {}): Promise<void> {
    const { routes, env, ...options } = { ...this.#options, ...once };
    const routesFile = join(this.directory, "routes.toml");
    if (routes !== undefined) await writeFile(routesFile, routes);
    this.#running = await serve(
      {
        noSimulator: false,
        approvalTimeoutMs: 0,
        httpAuthMode: "none",
        corsAllowOrigins: [],
        eventHistoryCapacity: 2048,
        logFormat: "json",
        logLevel: "error",
        disableScheduler: false,
        ...options,
        ...(routes === undefined ? {} : { routesFile }),
        bind: { host: "127.0.0.1", port: 0 },
        stateRoot: join(this.directory, "state"),
        workspaceRoot: this.workspace,
      },
      { PATH: process.env.PATH, HOME: this.directory, ...env },
    );
  }

  /** As SIGTERM does it. */
  async stop(): Promise<void> {
    await this.#running?.stop("the test says so");
    this.#running = undefined;
  }

  /** With these options in the place of those it had. */
  async restart(changes: Partial<ServedOptions> = {}): Promise<void> {
    await this.stop();
    this.#options = { ...this.#options, ...changes };
    await this.start();
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
