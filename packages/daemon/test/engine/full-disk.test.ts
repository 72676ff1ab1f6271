import { expect, test } from "vitest";
import { overriding } from "../../src/kernel/overriding.ts";
import { type Store, StoreError } from "../../src/kernel/store.ts";
import { bootDoomed } from "../support/crashing.ts";
import { useRigs } from "../support/fixture.ts";
import type { Rig } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();

/** A disk that is full until somebody makes room. */
class Disk {
  isFull = true;
  readonly under = (store: Store): Store =>
    overriding<Store>(store, {
      commit: async (ops, options) => {
        if (this.isFull) throw new StoreError("full", "the disk is full");
        return store.commit(ops, options);
      },
    });
}

/** A daemon that died while a call was on its way, and the next one on a full disk. */
async function startedOnFullDisk() {
  let calls = 0;
  const tool = (incarnation: number) =>
    testTool("look", {
      execute: async () => {
        calls += 1;
        return incarnation === 0 ? new Promise(() => undefined) : succeeded("seen");
      },
    });
  const rig: Rig = await createRig((incarnation) => [tool(incarnation)]);
  const first = await bootDoomed(rig);
  const session = await TestSession.create(first);
  const run = await session.play([{ tool_calls: [{ name: "look", input: {} }] }, { text: "done" }]);
  await until("the call", () => calls > 0);
  first.kill();
  const disk = new Disk();
  const daemon = await rig.boot({ wrap: disk.under });
  return { rig, disk, daemon, runId: run.run_id, session: new TestSession(daemon), calls: () => calls };
}

test("01-R92 a daemon that starts on a full disk answers, refuses what it cannot write, and goes on when there is room", async () => {
  const { rig, disk, daemon, runId, session, calls } = await startedOnFullDisk();
  expect(daemon.daemon.isReady()).toBe(true);
  await rig.clock.advance(5_000);
  expect(await session.run(runId)).toMatchObject({ status: "running" });
  await expect(session.submit("more")).rejects.toMatchObject({ code: "full" });
  expect(calls()).toBe(1);
  disk.isFull = false;
  expect(await session.settled(runId)).toMatchObject({ status: "completed", outputs: [{ content: "done" }] });
  expect(calls()).toBe(2);
});

test("01-R99 a daemon that still waits for room stops at once", async () => {
  const { daemon, disk, calls } = await startedOnFullDisk();
  await daemon.daemon.drain(1_000);
  disk.isFull = false;
  expect(daemon.daemon.isReady()).toBe(false);
  expect(calls()).toBe(1);
});
