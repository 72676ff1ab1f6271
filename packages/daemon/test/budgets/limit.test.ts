import { describe, expect, test } from "vitest";
import { clearOld } from "../../src/engine/budgets/wake.ts";
import { ScriptedModel, says } from "../support/scripted-model.ts";
import { pause, until } from "../support/wait.ts";
import { decide, PricedModel, step, TWO_TOKENS, useBudgets } from "./budget-world.ts";

const world = useBudgets();

/** Works for as long as it may. */
const endless = () => new ScriptedModel((request) => step(request, TWO_TOKENS));
/** So many tool calls, then an answer. */
const working = (turns: number) =>
  new ScriptedModel((request) => (request.turn < turns ? step(request, TWO_TOKENS) : says("done")));

describe("a run at the limit of a budget", () => {
  test("02-A6 weakness 15: it waits for an approval to extend, and makes not one call more", async () => {
    const model = endless();
    const { session, set, budget, settled } = await world(model);
    await set("calls", { limits: { model_calls: 3 } });
    const { run_id } = await session.submit("go");
    const run = await settled(run_id);
    expect(run.status).toBe("waiting_for_approval");
    expect(model.requests).toHaveLength(3);
    expect(run.pending_approvals).toMatchObject([
      {
        tool_name: "extend_budget",
        budget_id: "calls",
        reason:
          "budget 'calls' of the daemon has no room for another model call: 3 of 3 model_calls are used",
        input: { budget_id: "calls", exhausted: "model_calls", extend_by: { model_calls: 3 } },
      },
    ]);
    expect(run.budgets).toMatchObject([{ budget_id: "calls", used: { model_calls: 3, total_tokens: 6 } }]);
    expect(await budget("calls")).toMatchObject({
      used: { model_calls: 3, input_tokens: 3, output_tokens: 3 },
      reserved: { model_calls: 0, total_tokens: 0 },
      waiting_run_count: 1,
    });
  });

  test("02-A6: allowed, the budget is extended by one more of its limit, and says so", async () => {
    const model = working(4);
    const { session, set, budget, settled } = await world(model);
    await set("calls", { limits: { model_calls: 3 } });
    const { run_id } = await session.submit("go");
    await settled(run_id);
    await decide(session, run_id, "allow");
    expect(await settled(run_id)).toMatchObject({ status: "completed" });
    expect(await budget("calls")).toMatchObject({
      limits: { model_calls: 3 },
      extended: { model_calls: 3 },
      used: { model_calls: 5 },
      waiting_run_count: 0,
    });
  });

  test("02-A6: an approver may say by how much", async () => {
    const model = endless();
    const { session, set, budget, settled } = await world(model);
    await set("calls", { limits: { model_calls: 3 } });
    const { run_id } = await session.submit("go");
    await settled(run_id);
    await decide(session, run_id, "allow", { model_calls: 2 });
    expect(await settled(run_id)).toMatchObject({ status: "waiting_for_approval" });
    expect(model.requests).toHaveLength(5);
    expect(await budget("calls")).toMatchObject({ extended: { model_calls: 2 } });
  });

  test.each([{}, { extend_by: {} }, { extend_by: { model_calls: -1 } }, { extend_by: { calls: 1 } }, 7])(
    "02-A6: an extension by nothing that can be counted is refused, and the run waits on: %j",
    async (updated_input) => {
      const { session, set, settled } = await world(endless());
      await set("calls", { limits: { model_calls: 0 } });
      const { run_id } = await session.submit("go");
      const [asked] = (await settled(run_id)).pending_approvals ?? [];
      const resolution = { request_id: asked?.id ?? "", behavior: "allow" as const, updated_input };
      await expect(session.resolve(run_id, resolution)).rejects.toMatchObject({
        code: "approval_input_invalid",
      });
      expect(await settled(run_id)).toMatchObject({ status: "waiting_for_approval" });
    },
  );

  test("02-A6: many runs that wait for one budget and are all allowed cost one extension", async () => {
    const model = endless();
    const { session, set, budget, settled } = await world(model);
    await set("calls", { limits: { model_calls: 4 } });
    const first = await session.submit("go");
    await settled(first.run_id);
    const others = [];
    for (const id of ["t", "u"]) {
      const other = await session.another(id);
      others.push({ other, run: await other.submit("go") });
    }
    for (const { other, run } of others) await other.settled(run.run_id);
    const asked = await Promise.all(
      others.map(async ({ other, run }) => ({
        other,
        run,
        id: (await other.run(run.run_id)).pending_approvals?.[0]?.id,
      })),
    );
    await decide(session, first.run_id, "allow");
    // As somebody does who has them all on the screen; what came too late was decided by the extension.
    for (const { other, run, id } of asked) {
      await other.resolve(run.run_id, { request_id: id ?? "", behavior: "allow" }).catch(() => undefined);
    }
    await settled(first.run_id);
    expect(await budget("calls")).toMatchObject({ extended: { model_calls: 4 }, used: { model_calls: 8 } });
    expect(model.requests).toHaveLength(8);
  });

  test("02-A6: denied, it fails and says who did not extend what", async () => {
    const { session, set, settled } = await world(endless());
    await set("calls", { limits: { model_calls: 1 } });
    const { run_id } = await session.submit("go");
    await settled(run_id);
    await decide(session, run_id, "deny");
    expect(await settled(run_id)).toMatchObject({
      status: "failed",
      error_code: "budget_exhausted",
      error: "budget 'calls' is used up, and test did not extend it",
    });
  });

  test("02-A6 01-A10: a request that nobody answers in time is denied", async () => {
    const { rig, session, set, settled } = await world(endless(), { approvalTimeoutMs: 5_000 });
    await set("calls", { limits: { model_calls: 1 } });
    const { run_id } = await session.submit("go");
    await settled(run_id);
    await rig.clock.advance(5_001);
    expect(await settled(run_id)).toMatchObject({ status: "failed", error_code: "budget_exhausted" });
  });

  test("02-A6: with on_limit fail it fails with a typed error", async () => {
    const model = endless();
    const { session, set, settled } = await world(model);
    await set("calls", { limits: { model_calls: 2 }, on_limit: "fail" });
    const { run_id } = await session.submit("go");
    expect(await settled(run_id)).toMatchObject({ status: "failed", error_code: "budget_exhausted" });
    expect(model.requests).toHaveLength(2);
    const run = (await session.submit("again")).run_id;
    expect(await settled(run)).toMatchObject({ status: "failed", error_code: "budget_exhausted" });
    await expect(session.call("sessionInput", input("once more"))).rejects.toMatchObject({
      code: "budget_exhausted",
      status: 409,
    });
    expect(model.requests).toHaveLength(2);
  });

  test("02-A6: a budget that is raised or removed lets go whoever waits for it", async () => {
    const model = working(6);
    const { daemon, session, set, settled } = await world(model);
    await set("calls", { limits: { model_calls: 1 } });
    const { run_id } = await session.submit("go");
    await settled(run_id);
    await set("calls", { limits: { model_calls: 3 } });
    await daemon.settle();
    expect(model.requests).toHaveLength(3);
    expect(await settled(run_id)).toMatchObject({ status: "waiting_for_approval" });
    await daemon.call("deleteBudget", { params: { budget_id: "calls" } });
    await daemon.settle();
    expect(await settled(run_id)).toMatchObject({ status: "completed" });
  });

  test("02-A6: a window that begins anew lets it go on, without anybody's answer", async () => {
    const model = endless();
    const { rig, session, set, budget, settled } = await world(model);
    await set("calls", { limits: { model_calls: 2 }, window: { kind: "hour" } });
    const { run_id } = await session.submit("go");
    await settled(run_id);
    const { resets_at_ms } = await budget("calls");
    await rig.clock.advance((resets_at_ms ?? 0) - rig.clock.now() - 1);
    await settled(run_id);
    expect(model.requests).toHaveLength(2);
    await rig.clock.advance(1_000);
    await settled(run_id);
    expect(model.requests).toHaveLength(4);
    expect(await session.events("approval_resolved")).toMatchObject([
      { decided_by: "daemon", resolutions: [{ behavior: "allow", reason: "budget 'calls' began anew" }] },
    ]);
    expect(await budget("calls")).toMatchObject({ used: { model_calls: 2 } });
  });
});

test("02-A6: what was counted is cleared away when its window is long over, or the budget is gone", async () => {
  const HOUR_MS = 3_600_000;
  const { rig, daemon, session, set, settled } = await world(
    new ScriptedModel(() => says("done", { usage: TWO_TOKENS })),
  );
  const { store } = daemon;
  const counted = (id: string) => store.count("budget_sums", { index: "budget", prefix: [id] });
  await set("hourly", { limits: { model_calls: 2 }, window: { kind: "hour" } });
  await set("gone", { limits: { model_calls: 2 } });
  await settled((await session.submit("go")).run_id);
  // A clock may be hours ahead, and be put right.
  await clearOld(store, "hourly", rig.clock.now() + 5 * HOUR_MS);
  expect(await counted("hourly")).toBe(1);
  await clearOld(store, "hourly", rig.clock.now() + 8 * 24 * HOUR_MS);
  expect(await counted("hourly")).toBe(0);
  await daemon.call("deleteBudget", { params: { budget_id: "gone" } });
  await rig.clock.advance(1_000);
  await until("it to be cleared away", async () => (await counted("gone")) === 0);
});

describe("what a budget counts", () => {
  test("02-A6: tokens as the provider reports them, cost by their price", async () => {
    const model = new PricedModel(() => says("done", { usage: { input_tokens: 100, output_tokens: 50 } }));
    const { session, set, budget, settled } = await world(model);
    await set("cost", { limits: { cost_microusd: 1_000_000 } });
    await settled((await session.submit("go")).run_id);
    expect(await budget("cost")).toMatchObject({
      used: { input_tokens: 100, output_tokens: 50, total_tokens: 150, cost_microusd: 700, model_calls: 1 },
      reserved: { cost_microusd: 0 },
    });
  });

  test("02-A6: an answer is capped at what is left, and a call that is not worth it is not made", async () => {
    const usage = { input_tokens: 10, output_tokens: 3_000 };
    const model = new ScriptedModel((request) => step(request, usage), { max_output_tokens: 4_000 });
    const { session, set, settled } = await world(model);
    await set("out", { limits: { output_tokens: 8_000 } });
    const { run_id } = await session.submit("go");
    expect(await settled(run_id)).toMatchObject({ status: "waiting_for_approval" });
    expect(model.requests.map(({ generation }) => generation.max_output_tokens)).toEqual([
      4_000, 4_000, 2_000,
    ]);
  });

  test("02-A6: a run waits for what another one's call holds, without asking anybody, and costs nothing meanwhile", async () => {
    const first = Promise.withResolvers<void>();
    const model = new ScriptedModel(
      async ({ session_id }) => {
        if (session_id === "s") await first.promise;
        return says("done", { usage: { input_tokens: 100, output_tokens: 50 } });
      },
      { max_output_tokens: 4_000 },
    );
    const { rig, daemon, session, set, budget, settled } = await world(model);
    await set("tokens", { limits: { total_tokens: 6_000 } });
    const holder = await session.submit("hold on");
    await until("the first call", () => model.requests.length === 1);
    const other = await session.another("t");
    const waiter = await other.submit("me too");
    await until("it to wait", async () => (await other.events("budget_busy")).length === 1);
    for (let second = 0; second < 20; second++) {
      await rig.clock.advance(1_000);
      await pause(20);
    }
    expect(await other.run(waiter.run_id)).toMatchObject({ status: "running", usage: { restarts: 0 } });
    expect(await other.events("budget_busy"), "said once").toHaveLength(1);
    expect(await daemon.store.getLease("session/t")).toBeUndefined();
    expect(model.requests).toHaveLength(1);
    first.resolve();
    expect(await settled(holder.run_id)).toMatchObject({ status: "completed" });
    expect(await other.settled(waiter.run_id)).toMatchObject({ status: "completed" });
    expect(await budget("tokens")).toMatchObject({
      used: { total_tokens: 300 },
      reserved: { total_tokens: 0 },
    });
  });

  test("weakness 15: where no budget is set a step reads and writes nothing more", async () => {
    const reads: string[] = [];
    const { session, settled } = await world(working(3), {
      wrap: (store) =>
        new Proxy(store, {
          get(target, key) {
            const member = Reflect.get(target, key) as unknown;
            if (typeof member !== "function") return member;
            return (...args: unknown[]) => {
              if (JSON.stringify(args).includes("budget")) reads.push(String(key));
              return (member as (...all: unknown[]) => unknown).apply(target, args);
            };
          },
        }),
    });
    await settled((await session.submit("go")).run_id);
    reads.length = 0;
    await settled((await session.submit("again")).run_id);
    expect(reads).toEqual([]);
  });

  test("02-A6: a prompt that does not fit is not sent", async () => {
    const model = endless();
    const { session, set, settled } = await world(model);
    await set("in", { limits: { input_tokens: 1_000 }, on_limit: "fail" });
    expect(await settled((await session.submit("x".repeat(10_000))).run_id)).toMatchObject({
      status: "failed",
      error_code: "budget_exhausted",
    });
    expect(model.requests).toHaveLength(0);
  });

  test("02-A6: time that runs worked, without their waits", async () => {
    let turnTakes = async (): Promise<unknown> => undefined;
    const model = new ScriptedModel(async (request) => {
      await turnTakes();
      return step(request, TWO_TOKENS);
    });
    const { rig, session, set, budget } = await world(model);
    turnTakes = () => rig.clock.advance(700);
    await set("time", { limits: { wall_time_ms: 2_000 } });
    const { run_id } = await session.submit("go");
    await session.reaches(run_id, "waiting_for_approval");
    expect(await budget("time")).toMatchObject({ used: { wall_time_ms: 2_100, model_calls: 3 } });
    await rig.clock.advance(60_000);
    await decide(session, run_id, "allow", { wall_time_ms: 700 });
    await until("the next call", () => model.requests.length === 4);
    await session.reaches(run_id, "waiting_for_approval");
    expect(await budget("time")).toMatchObject({ used: { wall_time_ms: 2_800, model_calls: 4 } });
  });

  test("02-A6: nothing is silently free: a call of unknown price is refused where cost is limited", async () => {
    const model = new PricedModel(() => says("done"));
    const { session, set, budget, settled } = await world(model);
    await set("cost", { limits: { cost_microusd: 1_000_000 } });
    model.known = false;
    const run = await settled((await session.submit("go")).run_id);
    expect(run).toMatchObject({ status: "failed", error_code: "budget_price_unknown" });
    expect(run.error).toContain("route 'scripted'");
    expect(model.requests).toHaveLength(0);
    expect(await budget("cost")).toMatchObject({ unpriced_routes: ["scripted"] });
    await expect(set("other", { limits: { cost_microusd: 5 } })).rejects.toMatchObject({
      code: "budget_price_unknown",
    });
  });

  test("02-A6: a budget without an id holds for each run by itself", async () => {
    const model = endless();
    const { session, set, budget, settled } = await world(model);
    await set("each", { scope: { kind: "run" }, limits: { model_calls: 2 }, on_limit: "fail" });
    for (const text of ["one", "two"]) await settled((await session.submit(text)).run_id);
    expect(model.requests).toHaveLength(4);
    expect((await budget("each")).used).toBeUndefined();
    expect((await session.run("run-2")).budgets).toMatchObject([{ used: { model_calls: 2 } }]);
  });

  test("02-A6: a session's budget is shown on the session and leaves others alone", async () => {
    const model = new PricedModel((request) => step(request, TWO_TOKENS));
    const { session, set, settled } = await world(model);
    await set("mine", { scope: { kind: "session", id: "s" }, limits: { model_calls: 1 } });
    await set("theirs", { scope: { kind: "session", id: "t" }, limits: { model_calls: 0 } });
    await set("route", { scope: { kind: "route", id: "scripted" }, limits: { model_calls: 9 } });
    await settled((await session.submit("go")).run_id);
    expect(model.requests).toHaveLength(1);
    expect((await session.call("getSession")).json.budgets).toMatchObject([
      { budget_id: "mine", used: { model_calls: 1 } },
    ]);
  });

  test("02-A6: another scope or window begins to count anew, other limits do not", async () => {
    const { session, set, settled } = await world(working(2));
    await set("b", { limits: { model_calls: 9 } });
    await settled((await session.submit("go")).run_id);
    expect(await set("b", { limits: { model_calls: 5 } })).toMatchObject({ used: { model_calls: 3 } });
    const anew = await set("b", { limits: { model_calls: 5 }, window: { kind: "day" } });
    expect(anew).toMatchObject({ used: { model_calls: 0 }, revision: 3 });
  });
});

function input(content: string) {
  return { content, input_items: [], attachments: [], binding_keys: [], reply_targets: [] };
}
