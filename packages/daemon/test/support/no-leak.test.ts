import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { descendantsOf, encodingsOf, environmentOf, findLeaks } from "./no-leak.ts";
import { scratch } from "./operator.ts";

const KEY = "sk-test-9f8e7d6c5b4a/+=_provider key";

test("the search for leaks finds a secret in every encoding, at every place in what was encoded", async () => {
  const values = fc.string({ minLength: 8, maxLength: 40, unit: "grapheme-ascii" });
  await fc.assert(
    fc.asyncProperty(values, fc.string(), fc.string(), async (value, before, after) => {
      const text = `${before}${value}${after}`;
      const written = {
        plain: text,
        url: encodeURIComponent(text.toWellFormed()),
        base64: Buffer.from(text).toString("base64"),
        base64url: Buffer.from(text).toString("base64url"),
        hex: Buffer.from(text).toString("hex"),
        json: JSON.stringify({ text }),
        json_in_json: JSON.stringify(JSON.stringify({ text })),
      };
      const leaks = await findLeaks({ it: value }, { texts: written });
      expect([...new Set(leaks.map(({ where }) => where))].sort()).toEqual(Object.keys(written).sort());
    }),
  );
});

test("the search finds one deep in a directory, in a database, and in its log, and never says it", async () => {
  const directory = await scratch();
  await mkdir(join(directory, "a", "b"), { recursive: true });
  await writeFile(join(directory, "a", "b", "file"), Buffer.from(`x${KEY}`).toString("base64"));
  const db = new DatabaseSync(join(directory, "kheish.db"));
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (data TEXT)");
  db.prepare("INSERT INTO t VALUES (?)").run(JSON.stringify({ note: KEY }));
  // The process is still there: what was written is in the log alone.
  const leaks = await findLeaks({ key: KEY, other: "nowhere-to-be-found" }, { directories: [directory] });
  db.close();
  const at = (name: string) => join(directory, name);
  expect(new Set(leaks.map(({ where }) => where))).toEqual(
    new Set([at("a/b/file"), at("kheish.db-wal"), `${at("kheish.db")} t`]),
  );
  expect(JSON.stringify(leaks)).not.toContain(KEY);
  expect(leaks.every(({ secret }) => secret === "key")).toBe(true);
});

test("the search finds one that the pages of a database cut in two", async () => {
  const file = join(await scratch(), "kheish.db");
  const db = new DatabaseSync(file);
  db.exec("PRAGMA page_size = 512; CREATE TABLE t (data TEXT)");
  // Longer than a page: wherever it begins, it is cut.
  const long = "0123456789abcdef".repeat(64);
  db.prepare("INSERT INTO t VALUES (?)").run(`before ${long} after`);
  db.close();
  const leaks = await findLeaks({ long }, { directories: [join(file, "..")] });
  expect(leaks.map(({ where }) => where)).toContain(`${file} t`);
  expect(leaks.map(({ where }) => where)).not.toContain(file);
});

test("the search finds one in the environment of a grandchild", async () => {
  const child = spawn("sh", ["-c", "sh -c 'echo up; read line'; true"], {
    env: { PATH: process.env.PATH, TOKEN: KEY },
    stdio: ["pipe", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const below = await descendantsOf(process.pid);
  expect(below).toContain(child.pid);
  const grandchildren = await descendantsOf(child.pid ?? 0);
  expect(grandchildren).toHaveLength(1);
  const texts = { environ: await environmentOf(grandchildren[0] ?? 0) };
  child.stdin.end();
  await once(child, "close");
  expect(await findLeaks({ key: KEY }, { texts })).toMatchObject([
    { encoding: "raw" },
    { encoding: "json" },
    { encoding: "json_in_json" },
  ]);
});

test("the search refuses a secret that would be found by chance", () => {
  expect(() => encodingsOf("short")).toThrow("by chance");
});
