import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { AuditKeyRing, BackupManifest } from "@kheish/contract";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BackupService, verifyArchive } from "../../../src/features/backup/index.ts";
import { testLedger } from "../../../src/governance/audit/testing.ts";
import { SimulatedClock } from "../../../src/kernel/clock.ts";
import { systemRandom } from "../../../src/kernel/random.ts";
import { openSqliteStore } from "../../../src/kernel/sqlite/index.ts";
import { kheish } from "../../../src/surface/cli/testing/run-cli.ts";
import { createLog } from "../../../src/surface/log.ts";
import { follow } from "../../support/follow.ts";
import { cli, get, later, post, scratch, submit } from "../../support/operator.ts";
import { ServedDaemon } from "../../support/served.ts";

const ADMIN = "the-admin-token-of-this-test";
const BY = { principal: "admin-token" };
const READER = "the-read-only-token-of-this-test";

let daemon: ServedDaemon;
let directory: string;
const started: ServedDaemon[] = [];
beforeEach(async () => {
  directory = await scratch();
  daemon = await serve();
});
afterEach(async () => {
  for (const each of started.splice(0)) await each.remove();
});

async function serve(options: Partial<Parameters<typeof ServedDaemon.start>[0]> = {}): Promise<ServedDaemon> {
  const served = await ServedDaemon.start({
    store: "sqlite",
    permissionMode: "bypassPermissions",
    ...options,
  });
  started.push(served);
  return served;
}

async function archived(
  from: { baseUrl: string } = daemon,
): Promise<{ path: string; manifest: BackupManifest }> {
  const path = join(directory, `${systemRandom.hex(4)}.tar`);
  const { code, stdout, stderr } = await cli(from, "backup", "--out", path, "--output", "json");
  expect([code, stderr]).toEqual([0, ""]);
  return { path, manifest: (JSON.parse(stdout) as { manifest: BackupManifest }).manifest };
}

async function someWork(): Promise<void> {
  const run = await submit(daemon, "s", [
    { tool_calls: [{ name: "bash", input: { command: "head -c 300000 /dev/zero | tr '\\0' x" } }] },
    { text: "done" },
  ]);
  await follow(`${daemon.baseUrl}/v1/runs/${run}/stream?until=terminal`).last;
}

/** A daemon's place with nothing in its state root. */
async function emptyRoot(): Promise<{ copy: ServedDaemon; root: string }> {
  const copy = await serve();
  await copy.stop();
  const root = join(copy.directory, "state");
  for (const name of await readdir(root)) await rm(join(root, name), { recursive: true });
  return { copy, root };
}

/** The flags for a public key that is known from elsewhere. */
async function knownKey(keyId: string): Promise<string[]> {
  const file = join(directory, `${keyId}.pub`);
  await writeFile(file, keyId);
  return ["--public-key", file];
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe("a backup archive", () => {
  test("is a tar file that says what it holds, what it leaves out, and how to check it", async () => {
    await someWork();
    const root = join(daemon.directory, "state");
    await writeFile(join(root, "audit-signing.key"), "the private key");
    await mkdir(join(root, "debug"));
    await writeFile(join(root, "debug", "notes.jsonl"), "{}\n");
    await symlink("/etc/hostname", join(root, "elsewhere"));
    await mkdir(join(root, "auth"));
    await writeFile(join(root, "auth", "global-slots.json"), '{"slots":{"a":"a plain secret"}}');
    const { path, manifest } = await archived();
    const text = await readFile(path, "latin1");
    expect(text).not.toContain("the private key");
    expect(text).not.toContain("a plain secret");
    expect(manifest.left_out.map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        "audit-signing.key",
        "auth/global-slots.json",
        "elsewhere",
        "the master key of the secret slots",
      ]),
    );
    expect(manifest.blobs.count).toBe(1);
    expect((await stat(path)).mode & 0o777).toBe(0o600);

    const to = join(directory, "elsewhere");
    expect((await cli(undefined, "restore", path, "--state-root", to)).code).toBe(0);
    expect(await readFile(join(to, "debug", "notes.jsonl"), "utf8")).toBe("{}\n");
    expect(await readdir(to)).not.toContain("audit-signing.key");
    expect(await readdir(to), "a copy is not its original").not.toContain("instance-id");
  });

  test("damaged in any byte that means something, cut off anywhere, or mixed up, it is refused", async () => {
    await someWork();
    const { path } = await archived();
    const whole = new Uint8Array(await readFile(path));
    await verifyArchive(only(whole));
    const meaning = meaningfulBytes(whole);
    const missed: number[] = [];
    for (let place = 0; place < meaning.length; place += Math.ceil(meaning.length / 700)) {
      const at = meaning[place] ?? 0;
      const copy = whole.slice();
      copy[at] = (copy[at] ?? 0) ^ 0x01;
      const refused = await verifyArchive(only(copy)).then(
        () => false,
        () => true,
      );
      if (!refused) missed.push(at);
    }
    expect(missed).toEqual([]);
    for (let length = 0; length < whole.length - 1024; length += Math.ceil(whole.length / 150)) {
      await expect(verifyArchive(only(whole.slice(0, length))), `cut at ${length}`).rejects.toThrow();
    }
    const entries = entriesOf(whole);
    for (let index = 0; index < entries.length; index++) {
      const without = tarOf(entries.filter((_, other) => other !== index));
      await expect(verifyArchive(only(without)), `without entry ${index}`).rejects.toThrow();
      const twice = tarOf(entries.flatMap((entry, other) => (other === index ? [entry, entry] : [entry])));
      await expect(verifyArchive(only(twice)), `with entry ${index} twice`).rejects.toThrow();
    }
    const swapped = tarOf([entries[1] ?? whole, entries[0] ?? whole, ...entries.slice(2)]);
    await verifyArchive(only(tarOf(entries)));
    await expect(verifyArchive(only(swapped))).rejects.toThrow("out of its place");
  });

  test("--verify touches nothing and says in a word what is wrong", async () => {
    const { path } = await archived();
    const root = join(directory, "not-there");
    expect(await cli(undefined, "restore", path, "--verify", "--state-root", root)).toMatchObject({
      code: 0,
    });
    expect(await readdir(directory)).not.toContain("not-there");
    const text = join(directory, "text");
    await writeFile(text, "this is no archive, and it is longer than one block of a tar file ".repeat(40));
    expect(await cli(undefined, "restore", text, "--verify")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no backup archive"),
    });
    const whole = await readFile(path);
    await writeFile(text, whole.subarray(0, whole.length / 2));
    expect(await cli(undefined, "restore", text, "--state-root", root)).toMatchObject({ code: 1 });
    expect(await readdir(directory), "what is damaged makes no root").not.toContain("not-there");
  });

  test("02-R79 --verify checks the signed audit in it: an archive may be whole, and what it was made of was not", async () => {
    await someWork();
    const { path } = await archived();
    const good = await cli(undefined, "restore", path, "--verify", "--output", "json");
    expect(JSON.parse(good.stdout)).toMatchObject({
      ok: true,
      audit: { ok: true, records: expect.any(Number), keys: 1, key_id: expect.any(String), findings: [] },
    });
    await daemon.stop();
    const db = new DatabaseSync(join(daemon.directory, "state", "kheish.db"));
    const { changes } = db
      .prepare(`UPDATE events SET data = replace(data, '"shell"', '"shelf"') WHERE data LIKE '%"shell"%'`)
      .run();
    db.close();
    expect(changes).toBeGreaterThan(0);
    await daemon.start();
    const edited = (await archived()).path;
    const bad = await cli(undefined, "restore", edited, "--verify");
    expect(bad).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the audit in it does not verify"),
    });
    const to = join(directory, "all-the-same");
    expect(
      (await cli(undefined, "restore", edited, "--state-root", to)).code,
      "what is left comes back",
    ).toBe(0);
  });

  test("an entry that points out of the root, or is none of ours, is refused", async () => {
    const { path } = await archived();
    const whole = new Uint8Array(await readFile(path));
    for (const name of ["files/../../evil", "/etc/passwd", "files/a//b", "store/streams/000001.jsonl"]) {
      await expect(verifyArchive(only(renamed(whole, name))), name).rejects.toThrow("no backup has");
    }
  });

  test("it never replaces a file, and a root that holds something is left as it is", async () => {
    const { path } = await archived();
    expect(await cli(daemon, "backup", "--out", path)).toMatchObject({ code: 6 });
    const root = join(daemon.directory, "state");
    const before = await readdir(root);
    const refused = await cli(undefined, "restore", path, "--state-root", root);
    expect(refused, "its daemon is running").toMatchObject({ code: 6 });
    await daemon.stop();
    const again = await cli(undefined, "restore", path, "--state-root", root);
    expect(again).toMatchObject({ code: 6, stderr: expect.stringContaining("not empty") });
    expect((await readdir(root)).filter((name) => before.includes(name))).toContain("kheish.db");
    expect(await readdir(directory), "nothing half-written stays").toEqual([
      path.slice(directory.length + 1),
    ]);
  });

  test("02-R53 offline it reads the root itself, keys and all when asked; beside a running daemon it refuses", async () => {
    await someWork();
    const root = join(daemon.directory, "state");
    await writeFile(join(root, "audit-signing.key"), "the private key");
    const out = join(directory, "offline.tar");
    const flags = ["backup", "--offline", "--state-root", root, "--out", out];
    expect(await cli(undefined, ...flags)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining("in use"),
    });
    expect(
      await cli(daemon, "backup", "--out", out, "--include-keys"),
      "a daemon hands out no keys",
    ).toMatchObject({
      code: 2,
    });
    await daemon.stop();
    expect(await cli(undefined, ...flags, "--include-keys")).toMatchObject({ code: 0 });
    expect(await readFile(out, "latin1")).toContain("the private key");
    expect(
      await cli(undefined, "backup", "--offline", "--state-root", `${root}x`, "--out", `${out}2`),
    ).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no state root"),
    });
    expect(await cli(undefined, "backup", "--offline", "--out", `${out}2`)).toMatchObject({ code: 2 });
    const misspelt = await cli(
      undefined,
      "backup",
      "--offline",
      "--state-root",
      root,
      "--store",
      "hunter22",
      "--out",
      `${out}3`,
    );
    expect(misspelt).toMatchObject({ code: 2, stderr: expect.stringContaining("--store must be") });
    expect(misspelt.stderr).not.toContain("hunter22");
  });
});

describe("taking a backup", () => {
  test("needs the admin token", async () => {
    const guarded = await serve({ httpAuthMode: "auto", adminToken: ADMIN, readonlyToken: READER });
    const path = `${guarded.baseUrl}/v1/runtime/backup`;
    expect((await fetch(path)).status).toBe(401);
    expect((await fetch(path, { headers: { authorization: `Bearer ${READER}` } })).status).toBe(403);
    const answer = await fetch(path, { headers: { authorization: `Bearer ${ADMIN}` } });
    expect(answer.headers.get("content-type")).toBe("application/x-tar");
    await verifyArchive(only(new Uint8Array(await answer.arrayBuffer())));
    const authorization = { authorization: `Bearer ${ADMIN}` };
    const head = await fetch(path, { method: "HEAD", headers: authorization });
    expect([head.status, head.headers.get("content-type")]).toEqual([200, "application/x-tar"]);
    const after = await fetch(path, { headers: authorization });
    expect(after.status, "a look at the headers holds up nobody").toBe(200);
    await after.arrayBuffer();
  });

  test("that its reader breaks off is over, and the next one is taken", async () => {
    for (let size = 0; size < 12; size++)
      await writeFile(join(daemon.directory, "state", `file-${size}`), Buffer.alloc(4 * 2 ** 20, size));
    const reading = new AbortController();
    const first = await fetch(`${daemon.baseUrl}/v1/runtime/backup`, { signal: reading.signal });
    expect(first.status).toBe(200);
    const second = await fetch(`${daemon.baseUrl}/v1/runtime/backup`);
    expect([second.status, await second.clone().json()]).toMatchObject([409, { code: "backup_in_progress" }]);
    reading.abort();
    let next = second;
    while (next.status === 409) {
      await next.body?.cancel();
      next = await fetch(`${daemon.baseUrl}/v1/runtime/backup`);
    }
    await verifyArchive(only(new Uint8Array(await next.arrayBuffer())));
  });

  test("breaks off at a blob that the disk has damaged, says so in the log, and leaves nothing behind", async () => {
    await someWork();
    const shelves = join(daemon.directory, "state", "blobs");
    const [shelf = ""] = (await readdir(shelves)).filter((name) => name !== "incoming");
    const [blob = ""] = await readdir(join(shelves, shelf));
    await writeFile(join(shelves, shelf, blob), "damaged");
    const said: string[] = [];
    const bare = vi.spyOn(console, "error");
    vi.spyOn(process.stderr, "write").mockImplementation((line) => said.push(String(line)) > 0);
    const { code } = await cli(daemon, "backup", "--out", join(directory, "broken.tar"));
    expect(bare, "a log has lines of its own kind only").not.toHaveBeenCalled();
    vi.restoreAllMocks();
    expect(code).toBe(3);
    expect(said.join("")).toContain(`blob ${blob} is damaged on the disk`);
    expect(await readdir(directory)).toEqual([]);
  });

  test("is given up when nobody takes it, so that the database can clean up behind its writers", async () => {
    const clock = new SimulatedClock();
    const lines: string[] = [];
    const log = createLog({ level: "info", format: "json", write: (line) => void lines.push(line) });
    let closed = 0;
    const store = await openSqliteStore({ path: join(directory, "audit.db") });
    later(() => store.close());
    const service = new BackupService({
      audit: testLedger(store, clock),
      clock,
      random: systemRandom,
      log,
      open: async () => ({
        kheishVersion: "0",
        instanceId: "i",
        source: {
          engine: "sqlite",
          schemaVersion: 1,
          pages: async function* () {},
          close: async () => {
            closed += 1;
          },
        },
        includeKeys: false,
        blobs: { put: never, read: never, stat: never },
        listBlobs: async function* () {},
        files: async () => ({ files: [], leftOut: [] }),
      }),
    });
    await service.begin(BY);
    await expect(service.begin(BY)).rejects.toMatchObject({ code: "backup_in_progress" });
    await clock.advance(60_000);
    expect(closed).toBe(1);
    expect(lines.join("")).toContain("nobody took it");
    const { bytes } = await service.begin(BY);
    await verifyArchive(bytes);
  });
});

describe("a restored copy", () => {
  test("takes work and shows it, does nothing until it is released, and then is an ordinary daemon", async () => {
    await post(daemon, "/v1/sessions", { session_id: "s" });
    const { path } = await archived();
    const { copy, root } = await emptyRoot();
    expect((await cli(undefined, "restore", path, "--state-root", root)).code).toBe(0);

    await copy.start();
    const run = await submit(copy, "s", [{ text: "hello" }]);
    const waited = await cli(copy, "runs", "wait", run, "--timeout", "1");
    expect(waited.code).not.toBe(0);
    expect(await get(copy, `/v1/runs/${run}`)).toMatchObject({ status: "running" });
    expect(await get(copy, "/v1/status")).toMatchObject({
      health: { warnings: [expect.objectContaining({ code: "restored_copy_holding" })] },
    });
    await copy.stop();

    await copy.start({ resumeRestored: true });
    await follow(`${copy.baseUrl}/v1/runs/${run}/stream?until=terminal`).last;
    expect(await get(copy, `/v1/runs/${run}`)).toMatchObject({ status: "completed" });
    await copy.restart();
    expect(await get(copy, "/v1/status"), "said once").toMatchObject({ health: { warnings: [] } });

    // A backup of a copy holds still again, wherever it is brought.
    const second = await archived(copy);
    const third = join(directory, "third");
    expect((await cli(undefined, "restore", second.path, "--state-root", third)).code).toBe(0);
  });

  test("02-R81 that came without its audit key signs nothing until it is released, then with a new one, and says so", async () => {
    await someWork();
    const { path } = await archived();
    const { copy, root } = await emptyRoot();
    const restored = await kheish(["restore", path, "--state-root", root], { columns: 120 });
    expect(restored.stdout).toContain("put it back as");
    await copy.start();
    expect(await cli(copy, "runtime", "set-permission-mode", "plan"), "operators are recorded").toMatchObject(
      {
        code: 0,
      },
    );
    const before = JSON.parse((await cli(copy, "audit", "keys", "--output", "json")).stdout) as AuditKeyRing;
    expect(before.keys).toHaveLength(1);
    const early = await cli(copy, "audit", "export", "--out", join(directory, "early.jsonl"));
    expect(early).toMatchObject({ code: 7, stderr: expect.stringContaining("holds still") });
    await copy.stop();

    await copy.start({ resumeRestored: true });
    await cli(copy, "runtime", "set-permission-mode", "default");
    const ring = JSON.parse((await cli(copy, "audit", "keys", "--output", "json")).stdout) as AuditKeyRing;
    expect(ring.keys.map(({ origin }) => origin)).toEqual(["first", "boundary"]);
    const file = join(directory, "after.jsonl");
    expect(await cli(copy, "audit", "export", "--out", file)).toMatchObject({ code: 0 });
    const keys = await Promise.all(ring.keys.map(({ key_id }) => knownKey(key_id)));
    expect(await cli(undefined, "audit", "verify", file, ...keys.flat())).toMatchObject({ code: 0 });
    expect((await cli(undefined, "audit", "verify", file, ...(keys[0] ?? []))).code, "by the old one").toBe(
      1,
    );
  });

  test("02-R81 with its audit key goes on with it", async () => {
    await someWork();
    const { path } = await archived();
    const key = await readFile(join(daemon.directory, "state", "audit-signing.key"));
    const { copy, root } = await emptyRoot();
    await cli(undefined, "restore", path, "--state-root", root);
    await writeFile(join(root, "audit-signing.key"), key, { mode: 0o600 });
    await copy.start();
    const held = join(directory, "held.jsonl");
    expect(await cli(copy, "audit", "export", "--out", held)).toMatchObject({ code: 0 });
    await copy.stop();
    await copy.start({ resumeRestored: true });
    const ring = JSON.parse((await cli(copy, "audit", "keys", "--output", "json")).stdout) as AuditKeyRing;
    expect(ring.keys).toHaveLength(1);
    const after = join(directory, "after.jsonl");
    await cli(copy, "audit", "export", "--out", after);
    const known = await knownKey(ring.current_key_id);
    for (const file of [held, after])
      expect(await cli(undefined, "audit", "verify", file, ...known)).toMatchObject({ code: 0 });
  });
});

test("a restore that landed, and whose mark alone stayed, is finished and not made again", async () => {
  const { path } = await archived();
  const root = join(directory, "elsewhere");
  const command = ["restore", path, "--state-root", root];
  expect((await cli(undefined, ...command)).code).toBe(0);
  const id = () => {
    const db = new DatabaseSync(join(root, "kheish.db"), { readOnly: true });
    const row = db.prepare("SELECT data FROM records WHERE kind = 'restored_copy'").get() as { data: string };
    db.close();
    return (JSON.parse(row.data) as { restore_id: string }).restore_id;
  };
  const landed = id();
  await writeFile(join(root, "restoring"), `${landed}\n`);
  expect((await cli(undefined, ...command)).code).toBe(0);
  expect(id()).toBe(landed);
  expect(await readdir(root)).not.toContain("restoring");
  await writeFile(join(root, "restoring"), "another\n");
  expect((await cli(undefined, ...command)).code).toBe(0);
  expect(id(), "half a restore is wiped and made anew").not.toBe(landed);
});

const never = (): never => {
  throw new Error("an empty store has no blobs");
};

const BLOCK = 512;

/** The entries of a tar file as they stand there, without its end. */
function entriesOf(tar: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < tar.length && tar[at] !== 0; ) {
    const size = sizeAt(tar, at);
    const end = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    entries.push(tar.slice(at, end));
    at = end;
  }
  return entries;
}

/** A tar file of these entries, with its end. */
function tarOf(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]);
}

/** Every byte of the content and of the headers' names, sizes and checksums: padding means nothing. */
function meaningfulBytes(tar: Uint8Array): number[] {
  const places: number[] = [];
  let start = 0;
  for (const entry of entriesOf(tar)) {
    for (let at = 0; at < 148; at++) places.push(start + at);
    for (let at = 0; at < sizeAt(entry, 0); at++) places.push(start + BLOCK + at);
    start += entry.length;
  }
  return places;
}

function sizeAt(tar: Uint8Array, at: number): number {
  return Number.parseInt(Buffer.from(tar.slice(at + 124, at + 135)).toString("latin1"), 8);
}

/** The first entry under another name, with a checksum that fits. */
function renamed(tar: Uint8Array, name: string): Uint8Array {
  const copy = tar.slice();
  copy.fill(0, 0, 100);
  copy.set(Buffer.from(name), 0);
  copy.fill(0x20, 148, 156);
  const sum = copy.slice(0, BLOCK).reduce((total, byte) => total + byte, 0);
  copy.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return copy;
}
