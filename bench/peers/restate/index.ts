import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { temporaryFolder } from "../../support/cleanup.ts";
import { postJson } from "../../support/http.ts";
import { RawHttp } from "../../support/raw-http.ts";
import { freePort, ServerProcess } from "../../support/server-process.ts";
import { installPeer, type Peer } from "../install.ts";

const ANSWERED_WITHIN_MS = 60_000;
const POLL_MS = 20;

interface Ports {
  ingress: number;
  admin: number;
  node: number;
  service: number;
}

/** A single Restate node on its own disk, with the application it calls; its syncs are on, as they are by default. */
export class Restate {
  readonly versions: Record<string, string>;
  readonly server: ServerProcess;
  readonly #service: ServerProcess;
  readonly #ports: Ports;
  readonly #ingress: RawHttp;
  readonly #folder: ReturnType<typeof temporaryFolder>;

  private constructor(peer: Peer, ports: Ports, folder: ReturnType<typeof temporaryFolder>) {
    this.versions = peer.versions;
    this.#ports = ports;
    const ingress = `http://127.0.0.1:${ports.ingress}`;
    this.#ingress = new RawHttp(ingress);
    this.#folder = folder;
    this.#service = new ServerProcess({
      command: process.execPath,
      args: [join(peer.folder, "service.js")],
      env: { PORT: String(ports.service), NODE_ENV: "production", RESTATE_LOGGING: "ERROR" },
      ready: { port: ports.service },
      log: join(folder.path, "service.log"),
    });
    this.server = new ServerProcess({
      command: serverBinary(peer.folder),
      args: ["--production", "--no-logo", "--node-name", "bench", "--base-dir", join(folder.path, "data")],
      cwd: folder.path,
      env: {
        RESTATE_AUTO_PROVISION: "true",
        RESTATE_BIND_IP: "127.0.0.1",
        RESTATE_LISTEN_MODE: "tcp",
        RESTATE_BIND_PORT: String(ports.node),
        RESTATE_INGRESS__BIND_PORT: String(ports.ingress),
        RESTATE_ADMIN__BIND_PORT: String(ports.admin),
        RESTATE_DISABLE_TELEMETRY: "true",
        RESTATE_LOG_FILTER: "error",
        // What waits is suspended at once and not after a minute: the bench cannot wait as long.
        RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT: "1s",
      },
      ready: { url: `${ingress}/restate/health` },
      log: join(folder.path, "server.log"),
    });
  }

  /** Not started yet. */
  static async prepare(): Promise<Restate> {
    const peer = installPeer("restate");
    const [ingress, admin, node, service] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    return new Restate(peer, { ingress, admin, node, service }, temporaryFolder("restate"));
  }

  static async start(): Promise<Restate> {
    const restate = await Restate.prepare();
    await restate.server.start();
    await restate.deploy();
    return restate;
  }

  /** Starts the application and tells the server of it. */
  async deploy(): Promise<void> {
    await this.#service.start();
    await postJson(`${this.#admin}/deployments`, { uri: `http://127.0.0.1:${this.#ports.service}` });
  }

  /** A run of so many steps, awaited. */
  async runSteps(steps: number): Promise<void> {
    await this.#ingress.call("POST", "/steps/run", JSON.stringify({ steps }));
  }

  async park(key: string): Promise<void> {
    await this.#ingress.call("POST", `/parking/${key}/run/send`);
  }

  /** Answers when the approved one has ended. */
  async approve(key: string): Promise<void> {
    await this.#ingress.call("POST", `/parking/${key}/approve`);
    await this.#ingress.call("GET", `/restate/workflow/parking/${key}/attach`);
  }

  suspendedCount(): Promise<number> {
    return this.#count("status = 'suspended'");
  }

  /** What is parked and not over; right after a start some of it is looked at again and is not suspended yet. */
  waitingCount(): Promise<number> {
    return this.#count(
      "target_service_name = 'parking' AND target_handler_name = 'run' AND status <> 'completed'",
    );
  }

  /** Asked again until it is answered: after a start the server is ready before its queries are. */
  async #count(where: string): Promise<number> {
    const query = `SELECT count(*) AS n FROM sys_invocation WHERE ${where}`;
    const deadline = performance.now() + ANSWERED_WITHIN_MS;
    for (;;) {
      try {
        const { rows } = await postJson<{ rows: { n: number }[] }>(`${this.#admin}/query`, { query });
        return rows[0]?.n ?? 0;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await pause(POLL_MS);
      }
    }
  }

  async remove(): Promise<void> {
    await this.server.kill();
    await this.#service.kill();
    this.#folder.remove();
  }

  get #admin(): string {
    return `http://127.0.0.1:${this.#ports.admin}`;
  }
}

/** The binary itself and not its launcher, whose memory and start are not the server's. */
function serverBinary(folder: string): string {
  const server = createRequire(join(folder, "node_modules", "@restatedev", "restate-server", "package.json"));
  return server.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
}
