import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { steadyPort } from "../../../src/surface/cli/demo/steady-port.ts";
import { type Ran, run, type Step } from "./runbook.ts";

const KHEISH = fileURLToPath(new URL("../../../bin/kheish.js", import.meta.url));

/** Whether the machine that runs the test has a program. */
export function has(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

export interface MachineOptions {
  /** More of what the pages call by a name that only a real installation has. */
  names?: readonly [string, string][];
  /** `kheish` is not there yet. */
  isEmpty?: boolean;
}

/** A directory that stands for a machine's `/etc`, `/var/lib` and `/srv`, with `kheish` on its path. */
export class Machine {
  readonly root: string;
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
  /** Of the operator's shell. */
  umask = "022";
  /** What the pages call by a name that only a real installation has. */
  readonly #names: [string, string][];
  readonly #children: ChildProcess[] = [];

  private constructor(root: string, port: number, names: readonly [string, string][]) {
    this.root = root;
    this.port = port;
    this.env = {
      PATH: `${join(root, "bin")}:${process.env.PATH}:/usr/sbin:/sbin`,
      HOME: root,
      KHEISH_DAEMON_URL: `http://127.0.0.1:${port}`,
    };
    this.#names = [
      ["/etc/", `${root}/etc/`],
      ["/var/lib/", `${root}/var/lib/`],
      ["/srv/", `${root}/srv/`],
      ["127.0.0.1:4000", `127.0.0.1:${port}`],
      ...names,
    ];
  }

  static async create(
    names: readonly [string, string][] = [],
    { isEmpty = false }: MachineOptions = {},
  ): Promise<Machine> {
    const root = await mkdtemp(join(tmpdir(), "kheish-machine-"));
    const machine = new Machine(root, await steadyPort(), names);
    for (const folder of ["bin", "etc/nginx", "etc/ssl/kheish", "var/lib/kheish", "srv/kheish"])
      await mkdir(join(root, folder), { recursive: true });
    if (isEmpty) return machine;
    const program = join(root, "bin", "kheish");
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${KHEISH}' "$@"\n`);
    await chmod(program, 0o755);
    return machine;
  }

  /** A text of a page, in this machine's own names. */
  here(text: string): string {
    return this.#names.reduce((changed, [name, own]) => changed.replaceAll(name, own), text);
  }

  /** A file at a place of the page's. */
  async write(path: string, text: string): Promise<void> {
    await writeFile(join(this.root, path), this.here(text));
  }

  run({ command }: Step): Promise<Ran> {
    return run(`umask ${this.umask}; ${this.here(command)}`, this.env);
  }

  /** Starts what stays, and waits until `url` answers. */
  async start(command: string, isUp: () => Promise<boolean>): Promise<ChildProcess> {
    const child = spawn("bash", ["--norc", "-uc", `exec ${this.here(command)}`], {
      env: this.env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk) => (said += chunk));
    this.#children.push(child);
    for (let attempt = 0; attempt < 600; attempt++) {
      if (child.exitCode !== null) throw new Error(`'${command}' ended with ${child.exitCode}: ${said}`);
      if (await isUp().catch(() => false)) return child;
      await delay(50);
    }
    throw new Error(`'${command}' did not come up: ${said}`);
  }

  async remove(): Promise<void> {
    for (const child of this.#children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    await rm(this.root, { recursive: true, force: true });
  }
}

/** The daemon's health, without a token. */
export async function isHealthy({ port }: Machine): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/healthz`)).ok;
}
