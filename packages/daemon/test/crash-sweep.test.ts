import { isTerminal, type JsonObject, type RunView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { recorded, sessionStream } from "../src/engine/index.ts";
import type { Store } from "../src/kernel/store.ts";
import { type Mortal, mortal } from "./support/crash.ts";
import { OutsideWorld } from "./support/effects.ts";
import { createRig, type Rig, type RiggedDaemon } from "./support/rig.ts";

/**
 * The scenario runs once to count its commits. Then, for each commit and for both sides of it, it runs again on a
 * store that dies there; a new daemon takes over, the caller repeats what was never acknowledged, everybody answers
 * what is asked, and the invariants are checked.
 */
const SESSION = "sweep";
const SCRIPT = {
  simulate: [
    {
      text: "Looking.",
      tool_calls: [
        { name: "effect_read", input: { n: 1 } },
        { name: "effect_read", input: { n: 2 } },
      ],
    },
    { tool_calls: [{ name: "effect_once", input: { n: 3 } }] },
    { tool_calls: [{ name: "effect_idempotent", input: { n: 4 } }] },
    { tool_calls: [{ name: "ask_user_question", input: {} }] },
    {
      tool_calls: [
        { name: "bash", input: { n: 5 } },
        { name: "bash", input: { n: 6 } },
      ],
    },
    { text: "done: {{last_tool_output}}" },
  ],
};

interface World {
  rig: Rig;
  outside: OutsideWorld;
}

async function openWorld(): Promise<World> {
  const outside = new OutsideWorld();
  const rig = await createRig((incarnation) => outside.tools(incarnation));
  return { rig, outside };
}

/** What a caller does: creates, submits twice under idempotency keys, and answers whatever is asked. */
async function work(daemon: RiggedDaemon, isDead: () => boolean): Promise<void> {
  const steps: (() => Promise<unknown>)[] = [
    () => daemon.call("createSession", { body: { session_id: SESSION } }),
    () => submit(daemon, JSON.stringify(SCRIPT), "first"),
    () => submit(daemon, "and then this", "second"),
    () => answerAll(daemon, isDead),
  ];
  for (const step of steps) {
    await Promise.race([step(), died(isDead)]);
    if (isDead()) return;
  }
}

async function died(isDead: () => boolean): Promise<void> {
  while (!isDead()) await new Promise((resolve) => setImmediate(resolve));
}

function submit(daemon: RiggedDaemon, content: string, idempotencyKey: string) {
  const body = { content, input_items: [], attachments: [], binding_keys: [], reply_targets: [] };
  return daemon.call("submitRun", { params: { session_id: SESSION }, body, idempotencyKey });
}

async function answerAll(daemon: RiggedDaemon, isDead: () => boolean): Promise<void> {
  for (let round = 0; round < 20 && !isDead(); round++) {
    await Promise.race([daemon.settle(), died(isDead)]);
    if (isDead()) return;
    const waiting = (await daemon.runs()).find((run) => run.pending_approvals ?? run.pending_questions);
    if (waiting === undefined) return;
    await answer(daemon, waiting);
  }
}

async function answer(daemon: RiggedDaemon, run: RunView): Promise<void> {
  const params = { run_id: run.run_id };
  const [question] = run.pending_questions ?? [];
  if (question !== undefined) {
    const answers = [{ question_id: "question-1", selected_option_ids: ["option-1"] }];
    const resolution = { request_id: question.id, answers, declined: false };
    await daemon.call("answerRunQuestion", { params, body: { resolution } });
    return;
  }
  // One at a time, so that a partial resolution is crashed into as well.
  const [approval] = run.pending_approvals ?? [];
  const resolutions = [{ request_id: approval?.id ?? "", behavior: "allow" }];
  await daemon.call("resolveRunApprovals", { params, body: { resolutions } });
}

async function countCommits(): Promise<number> {
  const { rig } = await openWorld();
  let counter: Mortal | undefined;
  const daemon = await rig.boot({
    wrap: (store) => {
      counter = mortal(store, -1, "after", () => undefined);
      return counter.store;
    },
  });
  await work(daemon, () => false);
  await daemon.settle();
  const commits = counter?.commits() ?? 0;
  await rig.cleanup();
  return commits;
}

async function journal(store: Store) {
  return (await store.readStream(sessionStream(SESSION), {})).map(recorded);
}

async function checkInvariants(daemon: RiggedDaemon, outside: OutsideWorld): Promise<void> {
  const runs = await daemon.runs();
  expect(runs.map((run) => run.status)).toEqual(["completed", "completed"]);
  expect(runs.every((run) => isTerminal(run.status))).toBe(true);
  const events = await journal(daemon.store);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));

  const terminal = events.filter((event) =>
    ["completed", "failed", "cancelled", "interrupted"].includes(event.type),
  );
  expect(terminal.length).toBe(2);
  const starts = events.flatMap((event) => (event.type === "started" ? [event.data.run_id] : []));
  expect(starts, "FIFO, each started once").toEqual(runs.map((run) => run.run_id));

  for (const [tool, input] of [
    ["effect_once", { n: 3 }],
    ["bash", { n: 5 }],
    ["bash", { n: 6 }],
  ] as const) {
    const times = outside.count(tool, input);
    expect(times, `${tool} is never repeated`).toBeLessThanOrEqual(1);
    const ledger = ledgerOf(events, tool, input);
    expect(ledger, `${tool} is never silently dropped`).toBe(
      times === 1 && ledger === "settled" ? "settled" : "unknown",
    );
  }
  const keys = new Set(outside.done.filter((one) => one.tool === "effect_idempotent").map((one) => one.key));
  expect(keys.size, "every attempt of an idempotent effect carries one key").toBe(1);
  const resolved = events
    .filter((event) => event.type === "approval_resolved")
    .flatMap((event) => event.data.resolutions);
  expect(new Set(resolved.map((one) => one.request_id)).size, "each approval decided once").toBe(
    resolved.length,
  );
  expect(resolved.length).toBe(2);
}

function ledgerOf(
  events: Awaited<ReturnType<typeof journal>>,
  tool: string,
  input: JsonObject,
): string | undefined {
  const call = events
    .flatMap((event) =>
      event.type === "message_appended" && event.data.message.role === "assistant"
        ? event.data.message.parts
        : [],
    )
    .find(
      (part) =>
        part.type === "tool_call" &&
        part.name === tool &&
        JSON.stringify(part.input) === JSON.stringify(input),
    );
  const id = call?.type === "tool_call" ? call.id : "";
  const finished = events.find((event) => event.type === "tool_call_finished" && event.data.call_id === id);
  return finished?.type === "tool_call_finished" ? finished.data.ledger : undefined;
}

const commits = await countCommits();

describe("a daemon that dies at any commit loses nothing and repeats nothing", () => {
  test("the scenario commits often enough to be worth sweeping", () => {
    expect(commits).toBeGreaterThan(20);
  });

  for (const side of ["before", "after"] as const) {
    for (let k = 1; k <= commits; k++) {
      test(`01-R90 01-R92 death ${side} commit ${k}`, async () => {
        const { rig, outside } = await openWorld();
        let victim: Mortal | undefined;
        const first = await Promise.race([
          rig.boot({
            wrap: (store) => {
              victim = mortal(store, k, side, () => outside.dead.add(0));
              return victim.store;
            },
          }),
          died(() => victim?.isDead() === true),
        ]);
        const isDead = () => victim?.isDead() === true;
        if (first !== undefined) await work(first, isDead);
        if (first !== undefined && !isDead()) await first.settle();

        const second = await rig.boot();
        await work(second, () => false);
        await checkInvariants(second, outside);

        const before = await journal(second.store);
        await second.stop();
        const third = await rig.boot();
        await third.settle();
        expect(await journal(third.store), "recovering again changes nothing").toEqual(before);
        await rig.cleanup();
      });
    }
  }
});
