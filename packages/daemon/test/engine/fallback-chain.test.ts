import { describe, expect, test } from "vitest";
import { CHAINED_ROUTES, chainedModels, type Providers } from "../support/chained-models.ts";
import { bootDoomed } from "../support/crashing.ts";
import { useRigs } from "../support/fixture.ts";
import { TestSession } from "../support/session.ts";
import { Gate, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();

async function ran(providers: Providers, file?: string) {
  const rig = await createRig([testTool("look")]);
  const { models, asked } = chainedModels(rig, providers, file);
  const daemon = await rig.boot({ models });
  const session = await TestSession.create(daemon);
  const { run_id } = await session.submit("hello");
  return { daemon, session, asked, run: await session.settled(run_id) };
}

const A = { route_id: "a", provider: "openai_compatible", model: "big" };
const B = { route_id: "b", provider: "openai_compatible", model: "small" };
const C = { route_id: "c", provider: "simulator", model: "echo" };

describe("a fallback chain across routes", () => {
  test("02-A8 is engaged in order, after the retries of each, and recorded on the run", async () => {
    const { daemon, run, asked } = await ran({ "a.test": 503, "b.test": 429 });
    expect(run).toMatchObject({
      status: "completed",
      outputs: [{ content: "hello" }],
      request: { provider: "a", model: "big" },
      route: { ...A, fallback: [B, C], fallback_on: ["overloaded", "rate_limited", "transport"] },
      fallbacks: [
        { turn: 0, from: A, to: B, error_class: "server_overloaded" },
        { turn: 0, from: B, to: C, error_class: "rate_limited" },
      ],
    });
    expect(asked).toEqual([...Array(4).fill("a.test"), ...Array(4).fill("b.test")]);
    const log = (await daemon.call("runEvents", { params: { run_id: run.run_id } })).json;
    expect(log).toContainEqual(
      expect.objectContaining({
        event: { type: "fallback", from: A, to: B, error_class: "server_overloaded" },
      }),
    );
  });

  test("02-A8 a run that needed none has none, and knows what it would have done", async () => {
    const { run, asked } = await ran({ "a.test": "here" });
    expect(run).toMatchObject({
      status: "completed",
      outputs: [{ content: "here" }],
      route: { fallback: [B, C] },
    });
    expect(run).not.toHaveProperty("fallbacks");
    expect(asked).toEqual(["a.test"]);
  });

  test.each([
    [401, "auth"],
    [400, "invalid_request"],
  ])("02-A8 %s is no trigger: the run fails where it was sent", async (status, kind) => {
    const { run } = await ran({ "a.test": status });
    expect(run).toMatchObject({ status: "failed", error: expect.stringContaining(`(${kind})`) });
    expect(run).not.toHaveProperty("fallbacks");
  });

  test("02-A8 a chain with triggers of its own engages on these alone", async () => {
    const file = CHAINED_ROUTES.replace("fallback =", 'fallback_on = ["rate_limited"]\n  fallback =');
    expect((await ran({ "a.test": 503 }, file)).run).toMatchObject({ status: "failed" });
    expect((await ran({ "a.test": 429, "b.test": "here" }, file)).run).toMatchObject({
      status: "completed",
      fallbacks: [{ to: B }],
    });
  });

  test("02-A8 02-R36 a target that is not ready is passed over, and the run says why", async () => {
    const file = CHAINED_ROUTES.replace(
      'base_url = "http://b.test/v1"',
      'base_url = "http://b.test/v1"\n  api_key_env = "NO_KEY"',
    );
    const { run, asked } = await ran({ "a.test": 503 }, file);
    expect(run).toMatchObject({
      status: "completed",
      fallbacks: [{ from: A, to: C, skipped: [{ ...B, reason: expect.stringContaining("NO_KEY") }] }],
    });
    expect(asked).not.toContain("b.test");
  });

  test("02-A8 the end of the chain is the end of the run, with the last failure", async () => {
    const { run } = await ran({ "a.test": 503, "b.test": 429 }, CHAINED_ROUTES.replace(', "c/echo"', ""));
    expect(run).toMatchObject({
      status: "failed",
      error: expect.stringContaining("rate_limited"),
      fallbacks: [{ to: B }],
    });
  });

  test("02-A8 a chain leads nowhere that the session's credentials may not go", async () => {
    const rig = await createRig([]);
    const { models, asked } = chainedModels(rig, { "a.test": 503, "b.test": "here" });
    const session = await TestSession.create(await rig.boot({ models }));
    await session.call("putCredentialScope", { credential_scope: { route_deny: ["b"] } });
    const { run_id } = await session.submit("hello");
    expect(await session.settled(run_id)).toMatchObject({ route: { fallback: [C] }, fallbacks: [{ to: C }] });
    expect(asked).not.toContain("b.test");
  });

  test("02-A8 what a run fell back to outlives the daemon: the next one goes on there", async () => {
    const gate = new Gate();
    const rig = await createRig((incarnation) => [
      testTool("look", incarnation === 0 ? { effect: "read", execute: gate.execute } : { effect: "read" }),
    ]);
    const file = CHAINED_ROUTES.replace("c/echo", "c");
    const down = { "a.test": 503, "b.test": 503 };
    const first = await bootDoomed(rig, { models: chainedModels(rig, down, file).models });
    const session = await TestSession.create(first);
    const { run_id } = await session.play([{ tool_calls: [{ name: "look", input: {} }] }, { text: "done" }]);
    await until("the tool to be called", async () => {
      await rig.clock.advance(250);
      return gate.begun.length > 0;
    });
    expect(await session.run(run_id)).toMatchObject({
      status: "running",
      fallbacks: [{ to: B }, { to: { ...C, model: "script" } }],
    });
    first.kill();

    const { models, asked } = chainedModels(rig, { "a.test": "wrong", "b.test": "wrong" }, file);
    const second = await rig.boot({ models });
    await second.settle();
    const after = new TestSession(second);
    expect(await after.run(run_id)).toMatchObject({
      status: "completed",
      outputs: [{ content: "done" }],
      usage: { restarts: 1 },
      fallbacks: [{ to: B }, { to: { route_id: "c" } }],
    });
    expect(asked, "nobody asks the routes that the run has left").toEqual([]);
  });
});
