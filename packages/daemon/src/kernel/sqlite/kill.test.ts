import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { useScratch } from "../conformance/scratch.ts";
import { openSqliteStore } from "./index.ts";

const FIXTURE = fileURLToPath(new URL("kill.fixture.ts", import.meta.url));
const scratch = useScratch();

/** Lets a process commit on the file and kills it once it has acknowledged `count` commits more. */
async function killAfter(count: number, path: string, moves: string[]): Promise<number[]> {
  const child = spawn(process.execPath, [FIXTURE, path, ...moves], { stdio: ["ignore", "pipe", "inherit"] });
  const acknowledged: number[] = [];
  const dead = once(child, "exit");
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(Number(line));
    if (acknowledged.length === count) child.kill("SIGKILL");
  }
  expect(await dead).toEqual([null, "SIGKILL"]);
  expect(acknowledged.length).toBeGreaterThanOrEqual(count);
  return acknowledged;
}

test.each([
  ["here", []],
  ["in a thread of its own", ["there"]],
  ["on the way there and back", ["to and fro"]],
])(
  "K1 K2 what was acknowledged before SIGKILL is there, and everything is whole: a store %s",
  async (_where, moves) => {
    const path = scratch("store.db");
    const acknowledged: number[] = [];
    for (const count of [1, 150, 400, 777]) {
      acknowledged.push(...(await killAfter(count, path, moves)));
      const store = await openSqliteStore({ path });
      const journal = (await store.readStream("journal")).map(({ data }) => data);
      const records = await store.list<number>("thing", { index: "by_id", limit: 10_000 });
      const items = await Promise.all(journal.map((id) => store.getItem("work", `${id}`)));
      await store.close();

      expect([...new Set(acknowledged).difference(new Set(journal))], "acknowledged and lost").toEqual([]);
      expect(records.map(({ data }) => data)).toEqual([...journal].sort((a, b) => Number(a) - Number(b)));
      expect(items.map((item) => item?.payload)).toEqual(journal);
      expect(new Set(journal).size).toBe(journal.length);
    }
  },
);
