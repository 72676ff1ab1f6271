import type { DebugLevel, RunDebugView } from "@kheish/contract";
import { expect, test } from "vitest";
import type { ModelRequest } from "../../src/engine/index.ts";
import { DebugCapture, type DebugPolicy } from "../../src/features/debug/index.ts";
import { Redactor } from "../../src/governance/redaction/redactor.ts";
import type { Store } from "../../src/kernel/store.ts";
import { useRigs } from "../support/fixture.ts";
import type { BootOptions, Rig, RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";

const createRig = useRigs();
const DAY_MS = 86_400_000;
const POLICY: DebugPolicy = {
  ttlMs: 7 * DAY_MS,
  gcIntervalMs: 3_600_000,
  maxArtifactBytes: 4_000_000,
  maxRunBytes: 32_000_000,
  maxArtifactsPerRun: 64,
  maxStoreBytes: 1_000_000_000,
};
const nowhere = { readFile: () => Promise.reject(new Error("there is no file")) };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A daemon that captures; the level is set as an operator would. */
async function capturing(
  rig: Rig,
  policy: Partial<DebugPolicy> = {},
  level?: DebugLevel,
  options: Pick<BootOptions, "wrap" | "routes"> = {},
): Promise<RiggedDaemon> {
  const daemon = await rig.boot({
    ...options,
    debug: (store, inForce) => captureOn(rig, store, inForce, { ...POLICY, ...policy }),
  });
  if (level !== undefined) await daemon.call("setDebugLevel", { body: { level } });
  return daemon;
}

function captureOn({ clock }: Rig, store: Store, level: () => DebugLevel, policy = POLICY): DebugCapture {
  const random = { hex: (bytes: number) => "ab".repeat(bytes), unit: () => 0.5 };
  const redactor = new Redactor();
  const sources = { key: nowhere, redactTokens: nowhere };
  return new DebugCapture({ store, clock, random, log: silent, redactor, policy, level, ...sources });
}

async function debugOf(daemon: RiggedDaemon, run_id: string): Promise<RunDebugView> {
  return (await daemon.call("runDebug", { params: { run_id } })).json as unknown as RunDebugView;
}

const names = ({ artifacts }: RunDebugView) => artifacts.map(({ artifact_id }) => artifact_id);
const ended = async (session: TestSession, turns: object[]) =>
  (await session.settled((await session.play(turns)).run_id)).run_id;

test("01-R101 each attempt of each turn is an artifact of its own, and the list is sorted", async () => {
  const rig = await createRig([]);
  const daemon = await capturing(rig, {}, "full");
  const session = await TestSession.create(daemon);
  const call = { id: "c", name: "nothing", input: {} };
  const run = await ended(session, [
    { tool_calls: [call], error: { status: 503, message: "busy", times: 1 } },
    { text: "done" },
  ]);
  const view = await debugOf(daemon, run);
  expect(view.level).toBe("full");
  expect(names(view)).toEqual([
    "turn-0000-attempt-0001-model-request",
    "turn-0000-attempt-0001-model-response",
    "turn-0000-attempt-0002-model-request",
    "turn-0000-attempt-0002-model-response",
    "turn-0001-attempt-0001-model-request",
    "turn-0001-attempt-0001-model-response",
  ]);
  for (const artifact of view.artifacts) {
    expect(artifact).toMatchObject({ format: "json", truncated: false, encrypted: false });
    expect(artifact.bytes).toBe(artifact.plaintext_bytes);
  }
});

test("01-R101 a call that a death cut off is the next attempt when it is made again", async () => {
  const rig = await createRig([]);
  const first = await capturing(rig, {}, "full");
  const session = await TestSession.create(first);
  const { run_id } = await session.play([{ text: "done", delay_ms: 60_000 }]);
  await session.reaches(run_id, "running");
  await untilCaptured(first, run_id, 1);
  await first.stop();
  const second = await capturing(rig);
  await second.settle();
  const view = await debugOf(second, run_id);
  expect(names(view).filter((name) => name.endsWith("model-request"))).toEqual([
    "turn-0000-attempt-0001-model-request",
    "turn-0000-attempt-0002-model-request",
  ]);
});

/** The run's first model call has left; what follows its record needs no more than this turn of the event loop. */
async function untilCalled(daemon: RiggedDaemon, runId: string): Promise<void> {
  for (;;) {
    const { json } = await daemon.call("externalActions", { params: { run_id: runId } });
    await new Promise((resolve) => setImmediate(resolve));
    if ((json as unknown as object[]).length > 0) return;
  }
}

async function untilCaptured(daemon: RiggedDaemon, runId: string, count: number): Promise<void> {
  while ((await debugOf(daemon, runId)).artifacts.length < count)
    await new Promise((resolve) => setImmediate(resolve));
}

test("01-R101 a call that goes on at another route is the next attempt", async () => {
  const rig = await createRig([]);
  const routes = `default_route = "one"
[routes.one]
driver = "simulator"
fallback = ["two"]
[routes.two]
driver = "simulator"
`;
  const daemon = await capturing(rig, {}, "full", { routes });
  const session = await TestSession.create(daemon);
  const run = await ended(session, [{ text: "x", error: { status: 503, message: "busy", times: 0 } }]);
  const requests = names(await debugOf(daemon, run)).filter((name) => name.endsWith("model-request"));
  expect(requests).toEqual(
    Array.from({ length: 8 }, (_, n) => `turn-0000-attempt-000${n + 1}-model-request`),
  );
});

test("01-R101 compaction has its prefix, and what comes twice at one place is kept twice", async () => {
  const rig = await createRig([]);
  const daemon = await rig.boot();
  const session = await TestSession.create(daemon);
  const run_id = await ended(session, [{ text: "done" }]);
  const capture = captureOn(rig, daemon.store, () => "full");
  const request = { kind: "compaction", run_id, session_id: "s", turn: 3 } as ModelRequest;
  const attempt = (await capture.open(request))?.attempt(1);
  for (const value of [1, 2]) await attempt?.keep("model-request", { format: "json", value });
  const { artifacts } = await debugOf(daemon, run_id);
  expect(artifacts.map(({ artifact_id: id }) => id)).toEqual([
    "compaction-turn-0003-attempt-0001-model-request",
    expect.stringMatching(/^compaction-turn-0003-attempt-0001-model-request-\d+/),
  ]);
});

test("01-R102 evidence that cannot be kept costs the run nothing", async () => {
  const rig = await createRig([]);
  let refused = 0;
  const wrap = (store: Store) =>
    new Proxy(store, {
      get(target, member) {
        const value = Reflect.get(target, member) as unknown;
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const isEvidence = JSON.stringify(args[0])?.includes("debug_b") === true;
          if (!isEvidence) return value.apply(target, args) as unknown;
          refused += 1;
          return Promise.reject(new Error("no room for evidence"));
        };
      },
    });
  const daemon = await capturing(rig, {}, "full", { wrap });
  const session = await TestSession.create(daemon);
  const run = await ended(session, [{ text: "done" }]);
  expect((await session.run(run)).status).toBe("completed");
  expect(refused).toBeGreaterThan(0);
});

test("01-R100 a run keeps the level it began with; off is off for all at once", async () => {
  const rig = await createRig([]);
  const daemon = await capturing(rig);
  const turns = [
    { tool_calls: [{ id: "a", name: "nothing", input: {} }], delay_ms: 1_000 },
    { text: "done", delay_ms: 1_000 },
  ];
  const begin = async (id: string) => {
    const session = await TestSession.create(daemon, id);
    const { run_id } = await session.play(turns);
    await untilCalled(daemon, run_id);
    return run_id;
  };
  const level = (value: DebugLevel) => daemon.call("setDebugLevel", { body: { level: value } });

  const dark = await begin("dark");
  await level("full");
  const seen = await begin("seen");
  await untilCaptured(daemon, seen, 1);
  await level("redacted");
  await daemon.settle();
  expect(await debugOf(daemon, dark)).toEqual({ run_id: dark, level: "off", artifacts: [] });
  const whole = await debugOf(daemon, seen);
  expect([whole.level, whole.artifacts.length]).toEqual(["full", 4]);

  const stopped = await begin("stopped");
  await untilCaptured(daemon, stopped, 1);
  await level("off");
  await daemon.settle();
  expect(names(await debugOf(daemon, stopped)).some((name) => name.startsWith("turn-0001"))).toBe(false);
});

test("01-R102 what is too long is cut, and says how long it was", async () => {
  const rig = await createRig([]);
  const daemon = await capturing(rig, { maxArtifactBytes: 600 }, "full");
  const session = await TestSession.create(daemon);
  const run = await ended(session, [{ text: "ü".repeat(5_000) }]);
  const { artifacts } = await debugOf(daemon, run);
  const answer = artifacts.find(({ artifact_id }) => artifact_id.endsWith("model-response"));
  expect(answer).toMatchObject({ truncated: true });
  expect(answer?.plaintext_bytes).toBeLessThanOrEqual(600);
  expect(answer?.plaintext_bytes).toBeGreaterThan(590);
  expect(answer?.original_bytes).toBeGreaterThan(10_000);
});

test.each([{ maxArtifactsPerRun: 3 }, { maxRunBytes: 2_500, maxArtifactBytes: 800 }])(
  "01-R102 with %j the newest artifacts of a run stay, and the view counts those that went",
  async (policy) => {
    const rig = await createRig([]);
    const daemon = await capturing(rig, policy, "full");
    const session = await TestSession.create(daemon);
    const turn = (n: number) => ({ tool_calls: [{ id: `c${n}`, name: "nothing", input: {} }] });
    const run = await ended(session, [turn(0), turn(1), turn(2), { text: "done" }]);
    const view = await debugOf(daemon, run);
    const bytes = view.artifacts.reduce((sum, one) => sum + one.bytes, 0);
    expect(view.artifacts.length).toBeGreaterThan(1);
    expect(view.artifacts.length).toBeLessThanOrEqual(policy.maxArtifactsPerRun ?? 8);
    expect(bytes).toBeLessThanOrEqual(policy.maxRunBytes ?? bytes);
    expect(names(view)).toContain("turn-0003-attempt-0001-model-response");
    expect((view.dropped ?? 0) + view.artifacts.length).toBe(8);
    expect(
      await daemon.store.get("debug_body", `${run}/turn-0000-attempt-0001-model-request`),
    ).toBeUndefined();
  },
);

test("01-R102 what all runs keep together is bounded: the oldest run's evidence gives way", async () => {
  const rig = await createRig([]);
  const most = 12_000;
  const daemon = await capturing(rig, { maxStoreBytes: most }, "full");
  const runs: string[] = [];
  for (let n = 0; n < 4; n++) {
    const session = await TestSession.create(daemon, `s${n}`);
    runs.push(await ended(session, [{ text: "x".repeat(1_000) }]));
    await rig.clock.advance(1_000);
  }
  const levels = await Promise.all(runs.map(async (run) => (await debugOf(daemon, run)).level));
  expect(levels[0]).toBe("off");
  expect(levels.slice(2)).toEqual(["full", "full"]);
  const total = await daemon.store.get("debug_total", "all");
  const { bytes = 0 } = (total?.data ?? {}) as { bytes?: number };
  expect(bytes).toBeLessThanOrEqual(most);
  expect(bytes).toBeGreaterThan(1_000);
});

test("01-R103 prune takes the evidence of old terminal runs, oldest first, and nothing else", async () => {
  const rig = await createRig([]);
  const daemon = await capturing(rig, {}, "full");
  const [one, other] = [await TestSession.create(daemon, "one"), await TestSession.create(daemon, "other")];
  const runs: string[] = [];
  for (const session of [one, other, one]) {
    runs.push(await ended(session, [{ text: "done" }]));
    await rig.clock.advance(10_000);
  }
  const [oldest = "", second = "", newest = ""] = runs;
  const open = await one.play([{ text: "done", delay_ms: 600_000 }]);
  await one.reaches(open.run_id, "running");
  await untilCaptured(daemon, open.run_id, 1);
  const prune = async (body: object) =>
    (await daemon.call("pruneRuns", { body: { dry_run: false, ...body } })).json;

  expect(await prune({ older_than_ms: 25_000, dry_run: true })).toMatchObject({
    dry_run: true,
    matched_run_count: 1,
    candidate_run_ids: [oldest],
    pruned_debug_run_ids: [],
    pruned_debug_bytes: 0,
  });
  expect(await prune({ older_than_ms: 1, session_id: "other", dry_run: true })).toMatchObject({
    candidate_run_ids: [second],
  });
  const journal = await one.journal();
  const pruned = await prune({ older_than_ms: 1, limit: 2 });
  expect(pruned).toMatchObject({
    matched_run_count: 3,
    candidate_run_ids: [oldest, second],
    pruned_debug_run_ids: [oldest, second],
  });
  expect(pruned.pruned_debug_bytes).toBe(pruned.candidate_debug_bytes);
  expect(pruned.pruned_debug_bytes).toBeGreaterThan(0);
  expect(await debugOf(daemon, oldest)).toEqual({ run_id: oldest, level: "off", artifacts: [] });
  expect((await debugOf(daemon, newest)).level).toBe("full");
  expect((await debugOf(daemon, open.run_id)).level).toBe("full");
  expect(await one.journal()).toEqual(journal);
  for (const body of [{ older_than_ms: 0 }, { older_than_ms: 1, limit: 0 }]) {
    await expect(prune(body)).rejects.toMatchObject({ code: "run_retention_invalid_request" });
  }
});

test("01-R103 evidence goes by itself when it has outlived its time, and with a run that is not there", async () => {
  const rig = await createRig([]);
  const daemon = await capturing(rig, { ttlMs: 60_000, gcIntervalMs: 5_000 }, "full");
  const session = await TestSession.create(daemon);
  const run = await ended(session, [{ text: "done" }]);
  const open = await session.play([{ text: "done", delay_ms: 600_000 }]);
  await session.reaches(open.run_id, "running");
  await untilCaptured(daemon, open.run_id, 1);
  const { data } = (await daemon.store.get("debug_bundle", run)) ?? {};
  const orphan = { ...(data as object), run_id: "run-999", artifacts: [], bytes: 0 };
  const keys = { id: ["run-999"], session: ["s", "run-999"], age: [1, "run-999"] };
  await daemon.store.commit([{ op: "put", kind: "debug_bundle", id: "run-999", data: orphan, keys }]);

  for (let step = 0; step < 5; step++) await rig.clock.advance(10_000);
  expect((await debugOf(daemon, run)).level).toBe("full");
  expect(await daemon.store.get("debug_bundle", "run-999")).toBeUndefined();
  for (let step = 0; step < 2; step++) await rig.clock.advance(10_000);
  expect((await debugOf(daemon, run)).level).toBe("off");
  expect((await debugOf(daemon, open.run_id)).level).toBe("full");
});

test("01-R100 at off nothing is kept", async () => {
  const rig = await createRig([]);
  const daemon = await capturing(rig);
  const session = await TestSession.create(daemon);
  await ended(session, [{ text: "done" }]);
  expect(await daemon.store.count("debug_bundle", { index: "id" })).toBe(0);
});
