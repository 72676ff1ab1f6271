import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { SimulatedClock } from "./clock.ts";
import { useScratch } from "./conformance/scratch.ts";
import { systemRandom } from "./random.ts";
import { openStateRoot, RESTORING } from "./state-root.ts";

const FIXTURE = fileURLToPath(new URL("state-root.fixture.ts", import.meta.url));
const scratch = useScratch();
const children: ChildProcess[] = [];
const path = () => scratch("deep/root");
const open = () => openStateRoot(path(), systemRandom);

/** Another process that opens the root, and the first line it says about it. */
async function otherProcess(): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [FIXTURE, path()], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const [said] = await once(createInterface(child.stdout), "line");
  return { child, said: String(said) };
}

async function kill(child: ChildProcess): Promise<void> {
  const dead = once(child, "exit");
  child.kill("SIGKILL");
  await dead;
}

afterEach(async () => {
  for (const child of children.splice(0))
    if (child.exitCode === null && child.signalCode === null) await kill(child);
});

test("01-R97 a root is made, locked, and says by whom", async () => {
  const root = await open();
  expect(root.path).toBe(path());
  expect(root.lock).toMatchObject({
    path: `${path()}/daemon.lock`,
    held: true,
    mechanism: "sqlite-exclusive",
  });
  expect(await readFile(root.lock.path, "utf8")).toBe(`pid=${process.pid}\nmechanism=sqlite-exclusive\n`);
  await root.release();
  expect(root.lock.held).toBe(false);
  await root.release();
});

test("01-R97 a root that is in use is refused, naming it and its process", async () => {
  const root = await open();
  await expect(open()).rejects.toMatchObject({ code: "locked", message: expect.stringContaining(path()) });
  const { said } = await otherProcess();
  expect(said).toBe(`locked ${path()} is in use by process ${process.pid}`);
  expect(await readFile(root.lock.path, "utf8")).toContain(`pid=${process.pid}\n`);
  await root.release();

  const { child, said: again } = await otherProcess();
  expect(again).toBe(`held ${root.instanceId}`);
  await expect(open()).rejects.toMatchObject({
    message: `${path()} is in use by process ${child.pid}`,
  });
});

test("01-R97 the lock falls with its process, at once, however that dies", async () => {
  const { child, said } = await otherProcess();
  expect(said).toMatch(/^held /);
  await kill(child);
  const root = await open();
  expect(await readFile(root.lock.path, "utf8")).toContain(`pid=${process.pid}\n`);
  await root.release();
});

test("01-R97 a lock outlives the collection of garbage", async () => {
  await open();
  const { setFlagsFromString } = await import("node:v8");
  const { runInNewContext } = await import("node:vm");
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  expect((await otherProcess()).said).toMatch(/^locked /);
});

test("01-R97 what an earlier lock file says means nothing while nobody holds the lock", async () => {
  await (await open()).release();
  await writeFile(`${path()}/daemon.lock`, "pid=1\nmechanism=flock\n");
  const root = await open();
  expect(await readFile(root.lock.path, "utf8")).toContain(`pid=${process.pid}\n`);
  await root.release();
});

test("an instance keeps its id for ever, two roots have two", async () => {
  const first = await open();
  await first.release();
  const again = await open();
  const other = await openStateRoot(scratch("other"), systemRandom);
  expect(first.instanceId).toMatch(/^[0-9a-f]{32}$/);
  expect(again.instanceId).toBe(first.instanceId);
  expect(other.instanceId).not.toBe(first.instanceId);
  await again.release();
  await other.release();
});

test("an instance id that is none is reported, not replaced, and the root is given up", async () => {
  await (await open()).release();
  await writeFile(`${path()}/instance-id`, "");
  for (const _ of [1, 2]) await expect(open()).rejects.toMatchObject({ code: "corrupt" });
});

test("01-R97 a root that cannot say who holds it is not held", async () => {
  await (await open()).release();
  await mkdir(`${path()}/daemon.lock/in the way`, { recursive: true });
  for (const _ of [1, 2]) await expect(open()).rejects.toMatchObject({ code: "unavailable" });
  await rm(`${path()}/daemon.lock`, { recursive: true });
  await (await open()).release();
});

test("a path that cannot be a directory is refused as unavailable", async () => {
  await writeFile(scratch("file"), "");
  await expect(openStateRoot(scratch("file"), systemRandom)).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining(scratch("file")),
  });
});

test.skipIf(process.platform === "win32")("only its owner may look into a root", async () => {
  const root = await open();
  expect((await stat(path())).mode & 0o777).toBe(0o700);
  expect((await stat(root.lock.path)).mode & 0o777).toBe(0o600);
  await root.release();
});

test("02-R97 whoever replaces a daemon waits for it to let go, and for no longer than it was told", async () => {
  const holder = await open();
  const clock = new SimulatedClock();
  const waits: string[] = [];
  const patience = { clock, waitMs: 2_000, onWait: (why: string) => void waits.push(why) };
  const settled = async <T>(opening: Promise<T>): Promise<T> => {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    opening.then(over, over);
    while (!isOver) await clock.advance(50);
    return opening;
  };
  const begunAt = clock.now();
  await expect(settled(openStateRoot(path(), systemRandom, patience))).rejects.toMatchObject({
    code: "locked",
  });
  expect(clock.now() - begunAt).toBeGreaterThanOrEqual(2_000);

  const replacement = openStateRoot(path(), systemRandom, { ...patience, waitMs: Number.MAX_SAFE_INTEGER });
  const heard = waits.length;
  while (waits.length === heard) await clock.advance(50);
  await holder.release();
  const root = await settled(replacement);
  expect(root.instanceId).toBe(holder.instanceId);
  expect(waits.at(-1)).toContain("in use");
  await root.release();
});

test("a root that holds half a restore is nobody's", async () => {
  await (await open()).release();
  await writeFile(`${path()}/${RESTORING}`, "id\n");
  await expect(open()).rejects.toMatchObject({
    code: "corrupt",
    message: expect.stringContaining("restore"),
  });
  await rm(`${path()}/${RESTORING}`);
  await (await open()).release();
});
