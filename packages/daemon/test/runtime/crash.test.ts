import { isDeepStrictEqual } from "node:util";
import type { EndpointId, JsonObject } from "@kheish/contract";
import { afterEach, describe, expect, test } from "vitest";
import { type Mortal, mortal } from "../support/crash.ts";
import { createRig, type Rig, type RiggedDaemon } from "../support/rig.ts";

/** One change of every kind, and both ways to go back. */
const CHANGES: readonly (readonly [EndpointId, JsonObject])[] = [
  ["setModel", { model: "simulator/echo" }],
  ["setPermissionMode", { mode: "plan" }],
  ["setSystemPrompt", { settings: { append_prompt: "Be brief." } }],
  ["setDebugLevel", { level: "full" }],
  ["setHooks", { settings: { hooks: { stop: [{ name: "x", executor: { type: "callback", name: "x" } }] } } }],
  ["setLearningPolicy", { policy: { mode: "enabled" } }],
  ["setRunMemoryPolicy", { policy: { max_prompt_entries: 1 } }],
  ["setToolLimits", { limits: { max_parallel_tools: 2, max_calls_per_turn: 3 } }],
  ["rollbackRuntime", { setting: "permission_mode" }],
  ["rollbackRuntime", { target_revision: 2 }],
];

interface Look {
  view: JsonObject;
  revisions: JsonObject;
}

async function lookAt(daemon: RiggedDaemon): Promise<Look> {
  return {
    view: (await daemon.call("getRuntime")).json,
    revisions: (await daemon.call("listRuntimeRevisions")).json,
  };
}

/** The settings after each change, with nobody dying: as many as there are changes, and the beginning. */
async function reference(rig: Rig): Promise<{ looks: Look[]; commits: number }> {
  let counter: Mortal | undefined;
  const daemon = await rig.boot({
    wrap: (store) => {
      counter = mortal(store, -1, "after", () => undefined);
      return counter.store;
    },
  });
  const looks = [await lookAt(daemon)];
  for (const [endpoint, body] of CHANGES) {
    await daemon.call(endpoint, { body });
    looks.push(await lookAt(daemon));
  }
  return { looks, commits: counter?.commits() ?? 0 };
}

async function died(isDead: () => boolean, over: AbortSignal): Promise<void> {
  while (!isDead() && !over.aborted) await new Promise((resolve) => setImmediate(resolve));
}

/** What the action answers, or undefined when the daemon died first. */
async function unlessDead<T>(isDead: () => boolean, action: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  const ended = await Promise.race([action, died(isDead, over.signal)]).finally(() => over.abort());
  return ended === undefined || isDead() ? undefined : ended;
}

const first = await createRig(() => []);
const { looks, commits } = await reference(first);
await first.cleanup();
/** The view names the rig's directory. */
const settings = ({ view, revisions }: Look) => {
  const { workspace_root: _workspace, state_root: _state, ...rest } = view;
  // As it goes over the wire.
  return JSON.parse(JSON.stringify({ view: rest, revisions })) as Look;
};
const expected = looks.map(settings);

describe("02-R5 a daemon that dies at any commit of a change", () => {
  const deaths = Array.from({ length: commits }, (_, index) => index + 1).flatMap((k) =>
    (["before", "after"] as const).map((side) => [side, k] as const),
  );
  let rig: Rig | undefined;
  afterEach(() => rig?.cleanup());

  test("every change was made, each as one commit", () => {
    expect(expected).toHaveLength(CHANGES.length + 1);
    expect(commits).toBeGreaterThanOrEqual(CHANGES.length);
  });

  test.each(deaths)(
    "02-R1 02-R2 leaves the previous or the next revision: death %s commit %i",
    async (side, k) => {
      rig = await createRig(() => []);
      let victim: Mortal | undefined;
      const isDead = () => victim?.isDead() === true;
      const booted = rig.boot({
        wrap: (store) => {
          victim = mortal(store, k, side, () => undefined);
          return victim.store;
        },
      });
      const doomed = await unlessDead(isDead, booted);
      let acknowledged = 0;
      for (const [endpoint, body] of doomed === undefined ? [] : CHANGES) {
        if ((await unlessDead(isDead, doomed?.call(endpoint, { body }) ?? Promise.reject())) === undefined)
          break;
        acknowledged += 1;
      }
      const second = await rig.boot();
      const found = settings(await lookAt(second));
      const landed = expected.findIndex((one) => isDeepStrictEqual(one, found));
      expect(found, "a state that nobody dying passes through, too").toEqual(expected[landed]);
      expect([acknowledged, acknowledged + 1]).toContain(landed);
      for (const [endpoint, body] of CHANGES.slice(landed)) await second.call(endpoint, { body });
      expect(settings(await lookAt(second))).toEqual(expected.at(-1));
    },
  );
});
