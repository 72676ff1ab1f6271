import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RunningDaemon, StartError, serve } from "../src/main.ts";
import type { ServeOptions } from "../src/surface/cli/serve-options.ts";

let directory: string;
const running: RunningDaemon[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kheish-start-"));
  await mkdir(join(directory, "workspace"));
});
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.stop("test over");
  await rm(directory, { recursive: true, force: true });
});

function options(changes: Partial<ServeOptions> = {}): ServeOptions {
  return {
    bind: { host: "127.0.0.1", port: 0 },
    stateRoot: join(directory, "state"),
    workspaceRoot: join(directory, "workspace"),
    store: "sqlite",
    noSimulator: false,
    approvalTimeoutMs: 0,
    httpAuthMode: "auto",
    corsAllowOrigins: [],
    eventHistoryCapacity: 2048,
    logFormat: "json",
    logLevel: "error",
    disableScheduler: false,
    ...changes,
  };
}

async function start(
  changes: Partial<ServeOptions> = {},
  env: Record<string, string> = {},
): Promise<RunningDaemon> {
  const daemon = await serve(options(changes), env);
  running.push(daemon);
  return daemon;
}

/** Why it did not start; and that nothing was left held, so that the next start works. */
async function refusal(changes: Partial<ServeOptions>, env: Record<string, string> = {}): Promise<string> {
  const error = await serve(options(changes), env).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StartError);
  return error instanceof Error ? error.message : "";
}

describe("a daemon that cannot start says why in one sentence and holds nothing", () => {
  test("a corrupted store file", async () => {
    await mkdir(join(directory, "state"));
    await writeFile(
      join(directory, "state", "kheish.db"),
      "this is not a database, and it is longer than a page".repeat(200),
    );
    expect(await refusal({})).toMatch(
      /kheish\.db: file is not a database; .*kheish restore FILE --state-root/,
    );
    await start({ stateRoot: join(directory, "other") });
  });

  test("a store that is damaged where only a later part of the start reads it", async () => {
    const first = await start();
    await first.stop("it is damaged meanwhile");
    running.pop();
    const path = join(directory, "state", "kheish.db");
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0xa5, 4096 * 2, 4096 * 12));
    expect(await refusal({})).toMatch(/kheish\.db: .*malformed; .*kheish restore FILE --state-root/);
  });

  test("a store that a newer version wrote, which is left as it was", async () => {
    const first = await start();
    await first.stop("upgrade");
    running.pop();
    const path = join(directory, "state", "kheish.db");
    const db = new DatabaseSync(path);
    db.prepare("INSERT INTO schema_migrations (version, applied_at_ms) VALUES (999, 0)").run();
    db.close();
    expect(await refusal({})).toMatch(/newer|999/);
    const after = new DatabaseSync(path, { readOnly: true });
    const top = after.prepare("SELECT max(version) AS version FROM schema_migrations").get() as {
      version: number;
    };
    after.close();
    expect(top.version).toBe(999);
  });

  test("01-R97 a state root that another daemon holds", async () => {
    await start();
    const why = await refusal({});
    expect(why).toContain(join(directory, "state"));
    expect(why).toMatch(/in use by process \d+; .* stop that one, or name another with --state-root$/);
  });

  test("a workspace that is not there", async () => {
    expect(await refusal({ workspaceRoot: join(directory, "nowhere") })).toMatch(
      /--workspace-root .*nowhere/,
    );
  });

  test("a port that is taken", async () => {
    const rival = createServer();
    await new Promise<void>((resolve) => rival.listen(0, "127.0.0.1", resolve));
    const address = rival.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await refusal({ bind: { host: "127.0.0.1", port } })).toMatch(
      new RegExp(`127.0.0.1:${port} .*another program does; .*--bind`),
    );
    await new Promise((resolve) => rival.close(resolve));
    await start();
  });

  test("02-R83 a bind beyond loopback without a token", async () => {
    expect(await refusal({ bind: { host: "0.0.0.0", port: 0 } })).toMatch(/token/);
  });

  test.each([
    [
      "02-R90 an origin with a path",
      { corsAllowOrigins: ["http://localhost/x"] },
      /--http-cors-allow-origin/,
    ],
    ["02-W20 a hosted page without auth", { corsAllowHostedOrigins: ["https://a.example"] }, /needs auth/],
    ["02-W21 a proxy that is no address", { trustedProxies: ["proxy.example"] }, /--http-trusted-proxy/],
  ])("%s, before anything is opened", async (_what, changes, why) => {
    expect(await refusal(changes)).toMatch(why);
    expect(existsSync(join(directory, "state"))).toBe(false);
  });

  test("02-R18 a routes file with an error, of which only the place is told", async () => {
    const file = join(directory, "routes.toml");
    await writeFile(
      file,
      'version = 1\n[routes.a]\ndriver = "anthropic"\napi_key = "sk-ant-secret-value"\ndefault_model = \n',
    );
    const why = await refusal({ routesFile: file });
    expect(why).toMatch(/routes\.toml: .*line 5/i);
    expect(why).not.toContain("sk-ant-secret-value");
  });

  const slot = {
    slot_id: "a",
    provider: "open_ai",
    mode: "api_key",
    state: { kind: "api_key", api_key: "a-key-of-the-test" },
  };
  const KEY = { KHEISH_AUTH_STORE_MASTER_KEY: "0123456789abcdef0123456789abcdef" };
  const routesWith = async (text: string) => {
    const file = join(directory, "routes.toml");
    await writeFile(file, text);
    return { routesFile: file };
  };
  /** A state root with one slot in it. */
  const withSlot = async () => {
    const daemon = await start({}, KEY);
    const headers = { "content-type": "application/json" };
    const url = `${daemon.baseUrl}/v1/runtime/secrets`;
    const put = await fetch(url, { method: "POST", headers, body: JSON.stringify(slot) });
    expect(put.status).toBe(200);
    await daemon.stop("it has a slot now");
    running.pop();
  };

  test("02-R49 a master key that is not the one the slots are encrypted under, or none", async () => {
    await withSlot();
    const other = { KHEISH_AUTH_STORE_MASTER_KEY: "fedcba9876543210fedcba9876543210" };
    expect(await refusal({}, other)).toMatch(/the auth store cannot be decrypted/);
    expect(await refusal({})).toMatch(/1 encrypted slots.*KHEISH_AUTH_STORE_MASTER_KEY/);
    await start({}, KEY);
  });

  test("02-R49 a master key that is none, or stands in two places", async () => {
    const both = { ...KEY, KHEISH_AUTH_STORE_MASTER_KEY_FILE: join(directory, "key") };
    expect(await refusal({}, both)).toMatch(/both set/);
    expect(await refusal({}, { KHEISH_AUTH_STORE_MASTER_KEY: "too short" })).toMatch(/must hold 32 bytes/);
    await start();
  });

  test("02-R25 a route whose slot does not exist, or belongs to another provider", async () => {
    await withSlot();
    const route = (driver: string, ref: string) =>
      routesWith(
        `[routes.main]\ndriver = "${driver}"\ndefault_model = "claude-x"\nauth_ref = "${ref}"\nmodel_support = "any"\n`,
      );
    expect(await refusal(await route("openai", "none"), KEY)).toMatch(
      /auth slot 'none', which does not exist/,
    );
    expect(await refusal(await route("anthropic", "a"), KEY)).toMatch(/holds a credential of 'open_ai'/);
    await start(await route("openai", "a"), KEY);
  });

  test("a PostgreSQL that is not there", async () => {
    const why = await refusal({ store: "postgres://user:hunter22@127.0.0.1:1/none" });
    expect(why).not.toContain("hunter22");
    expect(why).toMatch(/see that the server runs, and that --store names/);
  });

  test.each([
    ["a file in the place of the state root", "state", "what should be a directory is none"],
    ["a file in the place of its blobs", "state/blobs", "what should be a directory is none"],
    ["a file in the place of its logs", "state/logs", "what should be a directory is none"],
  ])("%s", async (_what, path, why) => {
    await mkdir(join(directory, path, ".."), { recursive: true });
    await writeFile(join(directory, path), "");
    const said = await refusal({});
    expect(said).toMatch(new RegExp(`/${path}\\S* cannot be used: ${why}`));
    expect(said).not.toMatch(/mkdir|E[A-Z]{4,}/);
  });

  test.runIf(existsSync("/proc/self"))("a state root where nothing can be made, at once", async () => {
    expect(await refusal({ stateRoot: "/proc/kheish/state" })).toMatch(
      /^\/proc\/kheish\/state cannot be used: there is no such file or folder; .*--state-root/,
    );
  });

  test("a routes file that is not there", async () => {
    const routesFile = join(directory, "none.toml");
    expect(await refusal({ routesFile })).toBe(
      `cannot read the routes file ${routesFile}: there is no such file or folder`,
    );
  });

  test("a turn limit that is not a number", async () => {
    expect(await refusal({}, { KHEISH_AGENT_MAX_TURNS: "many" })).toContain("KHEISH_AGENT_MAX_TURNS");
  });
});

/** What a daemon wrote down; it has to be stopped for it. */
async function saidBy(daemon: RunningDaemon): Promise<string> {
  await daemon.stop("its log is read");
  running.splice(running.indexOf(daemon), 1);
  const folder = join(directory, "state", "logs");
  const said = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")));
  return said.join("");
}

test("a token file that is not there locks everybody out, and the log says so at the start", async () => {
  const adminTokenFile = join(directory, "no-token");
  const said = await saidBy(await start({ adminTokenFile, logLevel: "warn" }));
  expect(said).toContain("auth is on and no admin token is loaded");
  expect(said).toContain(`(ENOENT): ${adminTokenFile}; make the file readable`);
});

test("02-A5 settings in files of the earlier product are not in force, and the log says so at the start", async () => {
  await mkdir(join(directory, "state"));
  const file = join(directory, "state", "runtime-config.json");
  await writeFile(
    file,
    JSON.stringify({ current: { revision: 1, permission_mode: "dontAsk" }, history: [] }),
  );
  const said = await saidBy(await start({ logLevel: "warn" }));
  expect(said).toContain(`${file} is not read; set again the permission mode, hooks`);
  expect(said).not.toContain("mcp-overlay.json");
});
