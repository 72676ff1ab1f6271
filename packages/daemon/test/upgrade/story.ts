import { join } from "node:path";
import type { ModelRequest } from "../../src/engine/index.ts";
import { openBlobsDirectory } from "../../src/kernel/blobs-directory.ts";
import { systemRandom } from "../../src/kernel/random.ts";
import { createModels, loadRoutes } from "../../src/model/index.ts";
import { goalTools } from "../../src/tools/goals/goal-tools.ts";
import { bootDoomed, type DoomedDaemon } from "../support/crashing.ts";
import { OutsideWorld } from "../support/effects.ts";
import { type BootOptions, createRig, type Rig, type RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { until } from "../support/wait.ts";
import type { Place } from "./place.ts";

/** How long an approval waits before it is denied. */
export const APPROVAL_TIMEOUT_MS = 600_000;
/** The window is so small that a few inputs of a page each are compacted (01-R79). */
const LIMITS = { context_tokens: 15_000 };
const PAGE = "We went on as before, and it was good. ".repeat(24);
const PAGES = 5;

/** Keys under which a caller may ask for the same run again. */
export const FINISHED = { idempotency_key: "finished", content: script(use("effect_read", 1), told("read")) };
export const BEHIND = { idempotency_key: "behind", content: "the second behind it" };

function script(...turns: object[]): string {
  return JSON.stringify({ simulate: turns });
}
function use(name: string, n: number): object {
  return { tool_calls: [{ name, input: { n } }] };
}
/** The words, and the last thing that a tool answered. */
function told(words: string): object {
  return { text: `${words}: {{last_tool_output}}` };
}
const ASK = { tool_calls: [{ name: "ask_user_question", input: {} }] };

/** A rig whose daemons live on the store in a place, and all that was done to the world through them. */
export interface UpgradeWorld {
  rig: Rig;
  outside: OutsideWorld;
  options: BootOptions;
  /** What the model was asked, oldest first. */
  requests: ModelRequest[];
}

export async function openWorld(place: Place): Promise<UpgradeWorld> {
  const outside = new OutsideWorld();
  const rig = await createRig((incarnation) => [...outside.tools(incarnation), ...goalTools()]);
  const requests: ModelRequest[] = [];
  const simulator = createModels({
    routes: loadRoutes({ env: {} }),
    clock: rig.clock,
    random: systemRandom,
    blobs: await openBlobsDirectory(join(rig.directory, "blobs"), systemRandom),
    fetch: () => Promise.reject(new Error("there is no network")),
  });
  const models: NonNullable<BootOptions["models"]> = {
    ...simulator,
    limits: () => LIMITS,
    call: (request, options) => {
      requests.push(structuredClone(request));
      return simulator.call(request, options);
    },
  };
  const store = await place.open(rig.clock);
  return { rig, outside, requests, options: { store, models, approvalTimeoutMs: APPROVAL_TIMEOUT_MS } };
}

/**
 * Leaves in the place what a daemon leaves that is killed in the middle of its work. A session is named after what
 * became of its run, or after what that was at or waited for; one after the other, so that each telling is the same.
 */
export async function tell(place: Place): Promise<void> {
  const world = await openWorld(place);
  try {
    const daemon = await bootDoomed(world.rig, world.options);
    await whatIsOver(daemon);
    await whatWaits(daemon);
    await whatIsUnderWay(daemon, world.outside);
    daemon.kill();
  } finally {
    await world.rig.cleanup();
  }
}

async function whatIsOver(daemon: RiggedDaemon): Promise<void> {
  const finished = await TestSession.create(daemon, "finished");
  await finished.reaches((await finished.submit(FINISHED.content, FINISHED)).run_id, "completed");

  const failed = await TestSession.create(daemon, "failed");
  const broken = { error: { status: 400, message: "it was broken", times: 9 } };
  await failed.reaches((await failed.submit(script(broken))).run_id, "failed");

  const cancelled = await TestSession.create(daemon, "cancelled");
  const { run_id } = await cancelled.submit(script(ASK));
  await cancelled.reaches(run_id, "waiting_for_user_question");
  await daemon.call("cancelRun", { params: { run_id } });

  const compacted = await TestSession.create(daemon, "compacted");
  for (let page = 1; page <= PAGES; page++)
    await compacted.reaches((await compacted.submit(`Page ${page}. ${PAGE}`)).run_id, "completed");
}

async function whatWaits(daemon: RiggedDaemon): Promise<void> {
  for (const [id, n] of [
    ["approval", 2],
    ["lapsing", 3],
  ] as const) {
    const gated = await TestSession.create(daemon, id);
    const { run_id } = await gated.submit(script(use("bash", n), told("decided")));
    await gated.reaches(run_id, "waiting_for_approval");
  }
  const question = await TestSession.create(daemon, "question");
  const { run_id } = await question.submit(script(ASK, told("answered")));
  await question.reaches(run_id, "waiting_for_user_question");
}

/** From here on no tool comes back: its call has left, and nobody will ever know more. */
async function whatIsUnderWay(daemon: DoomedDaemon, outside: OutsideWorld): Promise<void> {
  outside.dead.add(0);
  for (const [id, tool, n] of [
    ["once", "effect_once", 4],
    ["read", "effect_read", 5],
    ["idempotent", "effect_idempotent", 6],
  ] as const) {
    const session = await TestSession.create(daemon, id);
    await session.submit(script(use(tool, n), told("went on")));
    await dispatched(session, 1);
  }
  const queue = new TestSession(daemon, "once");
  await queue.submit("the first behind it");
  await queue.submit(BEHIND.content, BEHIND);

  const goal = await TestSession.create(daemon, "goal");
  const create = { name: "create_goal", input: { objective: "see it through", token_budget: 1_000_000 } };
  const complete = { name: "update_goal", input: { status: "complete" } };
  await goal.submit(
    script(
      { tool_calls: [create] },
      { text: "planned" },
      use("effect_read", 7),
      { tool_calls: [complete] },
      { text: "reached" },
    ),
  );
  await dispatched(goal, 2);
}

async function dispatched(session: TestSession, count: number): Promise<void> {
  await until(
    `a call of '${session.id}' to leave`,
    async () => (await session.events("tool_call_started")).length === count,
  );
}
