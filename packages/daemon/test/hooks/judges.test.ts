import { expect, test } from "vitest";
import type { SessionRecord } from "../../src/engine/index.ts";
import { useRigs } from "../support/fixture.ts";
import { CONCURRENCY } from "../support/rig.ts";
import { calls, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";
import { deadLetters, HookWorld, hooksAt, setHooks } from "./hook-world.ts";

const createRig = useRigs();
const done: string[] = [];
const work = testTool("work", {
  execute: async () => {
    done.push("work");
    return succeeded("done");
  },
});
const bash = testTool("bash", {
  execute: async () => {
    done.push("bash");
    return succeeded("ran");
  },
});

/** Answers the agent and, in sessions of hooks, what the judge says. */
function models(judge: (messages: string, turn: number) => ReturnType<typeof says>) {
  return new ScriptedModel((request) => {
    if (request.session_id.startsWith("hook-")) return judge(JSON.stringify(request.messages), request.turn);
    return request.turn === 0 ? calls([{ name: "work", input: { path: "a" } }]) : says("ok");
  });
}

async function world(model: ScriptedModel, executor: object, more: object = {}) {
  done.length = 0;
  const rig = await createRig([work, bash]);
  const daemon = await rig.boot({ models: model });
  await setHooks(daemon, hooksAt(["pre_tool_use"], { name: "judge", executor, ...more } as never));
  return { rig, daemon, session: await TestSession.create(daemon) };
}

test("03-R53 a prompt hook is one turn of a model without tools, told what its template says", async () => {
  const model = models(() => says('I say: {"decision": "block", "stop_reason": "judged"}'));
  const template = "{{event}} {{subject}} in {{session_id}}: {{payload}}";
  const { session, daemon } = await world(model, { type: "prompt", template });
  await session.settled((await session.submit("go")).run_id);
  expect(await session.outputs()).toEqual([{ error: "judged", hook_blocked: true }]);
  const asked = model.requests.find(({ session_id }) => session_id.startsWith("hook-"));
  expect(asked).toMatchObject({ tools: [], generation: { max_output_tokens: 1_024 } });
  expect(JSON.stringify(asked?.messages)).toContain(
    'PreToolUse work in s: {\\"tool_name\\":\\"work\\",\\"tool_call_id\\":\\"work-0\\",\\"input\\":{\\"path\\":\\"a\\"}}'.replaceAll(
      "\\",
      "\\",
    ),
  );
  const own = await daemon.store.get("session", asked?.session_id ?? "");
  const record = own?.data as unknown as SessionRecord;
  expect(record, "accountable like any other").toMatchObject({
    status: "completed",
    permission_mode: "dontAsk",
  });
  expect(record.ended_at_ms).toBeDefined();
});

test("03-R53 judges have hands of their own: as many runs as a daemon drives at a time can wait for theirs at once", async () => {
  const model = models(() => says('{"decision": "approve"}'));
  const { daemon } = await world(model, { type: "agent", template: "judge" });
  // Nobody gets to their judge before everybody wants one.
  const sessions = await Promise.all(
    Array.from({ length: CONCURRENCY + 1 }, (_, n) => TestSession.create(daemon, `s-${n}`)),
  );
  const runs = await Promise.all(sessions.map((session) => session.submit("go")));
  const ends = await Promise.all(sessions.map((session, n) => session.settled(runs[n]?.run_id ?? "")));
  expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(["completed"]));
  expect(await deadLetters(daemon), "no judge came too late").toEqual([]);
  expect(done).toHaveLength(sessions.length);
});

test("03-R54 an agent hook has the tools of its list, no hooks of its own, and no permission that nobody gave", async () => {
  const model = models((_messages, turn) => {
    if (turn === 0) return calls([{ name: "work" }, { name: "bash" }, { name: "other" }]);
    return says('{"decision": "approve"}');
  });
  const surface = { allowlist: ["work", "bash", "gone"], denylist: ["gone"] };
  const { session, daemon } = await world(model, { type: "agent", template: "judge", tool_surface: surface });
  const run = await session.settled((await session.submit("go")).run_id);
  expect(run.status).toBe("completed");
  expect(done, "the judge's call and then the agent's; what has to be asked is denied").toEqual([
    "work",
    "work",
  ]);
  const asked = model.requests.find(({ session_id }) => session_id.startsWith("hook-"));
  expect(asked?.tools.map(({ name }) => name)).toEqual(["work", "bash"]);
  const judge = new TestSession(daemon, asked?.session_id ?? "");
  expect(await judge.events("hooks_called")).toEqual([]);
  expect(await judge.outputs()).toContainEqual(expect.objectContaining({ denied: true }));
});

test("03-R54 an agent hook is bounded in turns", async () => {
  const model = models(() => calls([{ name: "work" }]));
  const surface = { allowlist: ["work"], denylist: [] };
  const { session, daemon } = await world(model, {
    type: "agent",
    template: "x",
    tool_surface: surface,
    max_turns: 2,
  });
  await session.settled((await session.submit("go")).run_id);
  expect(model.requests.filter(({ session_id }) => session_id.startsWith("hook-"))).toHaveLength(2);
  expect(await deadLetters(daemon)).toMatchObject([{ target: "agent", failure_mode: "closed" }]);
});

test("03 a daemon that dies while a judge thinks finds the judge's run where it stands", async () => {
  let asked = 0;
  const model = models(() => {
    asked += 1;
    return asked === 1
      ? (new Promise(() => undefined) as never)
      : says('{"decision": "block", "stop_reason": "late"}');
  });
  const { rig, daemon, session } = await world(model, { type: "prompt", template: "x" });
  const { run_id } = await session.submit("go");
  await until("the judge to be asked", async () => asked === 1);
  await daemon.stop();
  const again = await rig.boot({ models: model });
  const resumed = new TestSession(again);
  await resumed.settled(run_id);
  expect(await resumed.outputs()).toEqual([{ error: "late", hook_blocked: true }]);
  const sessions = await again.store.list("session", { index: "id", limit: 10 });
  expect(
    sessions.filter(({ id }) => id.startsWith("hook-")),
    "one session, one run",
  ).toHaveLength(1);
});

test("03-R51 a judge that does not answer in time is stopped", async () => {
  const model = models(() => new Promise(() => undefined) as never);
  const { session, daemon } = await world(model, { type: "prompt", template: "x", timeout_ms: 500 });
  await session.settled((await session.submit("go")).run_id);
  expect(await deadLetters(daemon)).toMatchObject([{ error: "timeout: it took more than 500 ms" }]);
  const judged = (await daemon.runs()).filter(({ session_id }) => session_id.startsWith("hook-"));
  expect(judged).toMatchObject([{ status: "cancelled" }]);
});

test("03-R54 a session that somebody made in the judge's place is not worked in", async () => {
  const model = models(() => says('{"decision": "approve"}'));
  const { session, daemon } = await world(model, { type: "prompt", template: "x" });
  await session.settled((await session.submit("go")).run_id);
  const [own] = model.requests.flatMap(({ session_id }) =>
    session_id.startsWith("hook-") ? [session_id] : [],
  );

  const rig = await createRig([work, bash]);
  const other = await rig.boot({ models: model });
  await setHooks(
    other,
    hooksAt(["pre_tool_use"], { name: "judge", executor: { type: "prompt", template: "x" } } as never),
  );
  await TestSession.create(other, own);
  const judged = await TestSession.create(other);
  await judged.settled((await judged.submit("go")).run_id);
  expect(await deadLetters(other)).toMatchObject([{ error: "permission: its session is somebody else's" }]);
  expect(await deadLetters(daemon)).toEqual([]);
});

test("03-R56 hooks of one kind wait for each other beyond their number", async () => {
  const hooks = new HookWorld();
  let most = 0;
  let now = 0;
  hooks.on("pre_tool_use", async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    return {};
  });
  const parallel = testTool("work", { allowsParallel: true });
  const rig = await createRig([parallel]);
  const daemon = await rig.boot({ callbacks: hooks.callbacks });
  await daemon.call("setToolLimits", { body: { limits: { max_parallel_tools: 200 } } });
  await setHooks(daemon, hooksAt(["pre_tool_use"]));
  const session = await TestSession.create(daemon);
  const many = Array.from({ length: 200 }, (_, n) => ({ name: "work", input: { n } }));
  await session.settled((await session.play([{ tool_calls: many }, { text: "ok" }])).run_id);
  expect(hooks.calls).toHaveLength(200);
  expect(most).toBe(128);
});
