import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./ledger-server.ts", import.meta.url));
const POLL_MS = 20;
const UP_WITHIN_MS = 30_000;

/** What a server did. */
export interface LedgerLine {
  tool: "look" | "upsert" | "note";
  call: string;
  key: string;
  pid: number;
}

/** Two MCP servers with one ledger: a process of the daemon's, and one that stands elsewhere. */
export class LedgerServers {
  readonly #ledger: string;
  readonly #port: number;
  #http: ChildProcess | undefined;
  /** Kills of either. */
  kills = 0;

  private constructor(ledger: string, port: number) {
    this.#ledger = ledger;
    this.#port = port;
  }

  static async start(ledger: string): Promise<LedgerServers> {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const servers = new LedgerServers(ledger, port);
    await servers.#up();
    return servers;
  }

  /** The text of the daemon's MCP configuration. */
  get config(): string {
    const args = JSON.stringify([PROGRAM, this.#ledger]);
    return [
      `[mcp_servers.near]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ${args}\n`,
      `[mcp_servers.far]\nurl = "http://127.0.0.1:${this.#port}/mcp"\n`,
    ].join("\n");
  }

  async lines(): Promise<LedgerLine[]> {
    const text = await readFile(this.#ledger, "utf8").catch(() => "");
    return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as LedgerLine]));
  }

  /** SIGKILL; the one that stands elsewhere is started again, the other one is the daemon's to start. */
  async kill(which: "near" | "far"): Promise<void> {
    this.kills += 1;
    if (which === "near") {
      const pid = (await this.lines()).findLast((line) => line.pid !== this.#http?.pid)?.pid;
      if (pid !== undefined) killIfThere(pid);
      return;
    }
    await this.stop();
    await this.#up();
  }

  async stop(): Promise<void> {
    const server = this.#http;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  }

  async #up(): Promise<void> {
    this.#http = spawn(process.execPath, [PROGRAM, this.#ledger, String(this.#port)], { stdio: "ignore" });
    const deadline = performance.now() + UP_WITHIN_MS;
    while (performance.now() < deadline) {
      const isUp = await fetch(`http://127.0.0.1:${this.#port}/mcp`).then(
        () => true,
        () => false,
      );
      if (isUp) return;
      await delay(POLL_MS);
    }
    throw new Error("the MCP server does not answer");
  }
}

/** It may have ended with its daemon meanwhile. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return;
  }
}
