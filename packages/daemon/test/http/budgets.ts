import { expect, test } from "vitest";
import type { LooseCall } from "./support/client.ts";
import { type Fixture, type OpenStore, ROUTES, useDaemon } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { say, script, use } from "./support/script.ts";

/** Two turns of work, then an answer. */
const THREE_CALLS = script(use("noop", {}), use("noop", {}), say("done"));

const budgetAt = (budget_id: string) => ({ params: { budget_id } });

export function budgets(openStore: OpenStore): void {
  const fixture: Fixture = useDaemon(openStore, { routes: ROUTES });
  const { api } = fixture;

  test("02-A6: POST creates, GET shows, PUT replaces, DELETE removes", async () => {
    expect(await api.call("listBudgets")).toEqual({ budgets: [] });
    expect((await api.call("status")).budgets).toBeUndefined();
    const created = await api.call("createBudget", {
      body: { scope: { kind: "session", id: "nobody" }, limits: { model_calls: 5 } },
    });
    expect(created).toMatchObject({
      budget_id: "budget-1",
      scope: { kind: "session", id: "nobody" },
      window: { kind: "total" },
      limits: { model_calls: 5 },
      on_limit: "ask",
      used: { model_calls: 0, total_tokens: 0 },
      reserved: { model_calls: 0 },
      revision: 1,
      waiting_run_count: 0,
    });
    expect(await api.call("getBudget", budgetAt("budget-1"))).toEqual(created);
    expect(await api.call("listBudgets")).toEqual({ budgets: [created] });
    const body = {
      scope: { kind: "session" as const, id: "nobody" },
      window: { kind: "day" as const, timezone: "Europe/Paris" },
      limits: { total_tokens: 0 },
      on_limit: "fail" as const,
      expected_revision: 1,
    };
    const replaced = await api.call("setBudget", { ...budgetAt("budget-1"), body });
    expect(replaced).toMatchObject({ revision: 2, on_limit: "fail", limits: { total_tokens: 0 } });
    expect(replaced.resets_at_ms).toBeGreaterThan(Date.now());
    expect((await api.call("status")).budgets).toEqual({
      total: 1,
      exhausted_budget_ids: ["budget-1"],
      waiting_run_count: 0,
    });
    const stale = await api.refusal("setBudget", { ...budgetAt("budget-1"), body });
    expect(stale).toMatchObject({ status: 409, domain: "budgets", code: "budget_revision_conflict" });
    expect(await api.call("deleteBudget", budgetAt("budget-1"))).toEqual({ accepted: true });
    for (const endpoint of ["getBudget", "deleteBudget"] as const) {
      const gone = await api.refusal(endpoint, budgetAt("budget-1"));
      expect(gone).toMatchObject({ status: 404, domain: "budgets", code: "budget_not_found" });
    }
  });

  test("02-A6: an id that is taken is refused by POST, and by PUT where there must be none", async () => {
    const body = { scope: { kind: "session" as const, id: "x" }, limits: { model_calls: 1 } };
    await api.call("createBudget", { body: { budget_id: "mine", ...body } });
    const twice = await api.refusal("createBudget", { body: { budget_id: "mine", ...body } });
    expect(twice).toMatchObject({ status: 409, code: "budget_already_exists" });
    const put = { ...budgetAt("mine"), body: { ...body, expected_revision: 0 } };
    expect(await api.refusal("setBudget", put)).toMatchObject({ code: "budget_already_exists" });
    await api.call("deleteBudget", budgetAt("mine"));
  });

  test.each([
    ["an id with a slash in it", { budget_id: "a/b" }, "budget_invalid_request", "/budget_id"],
    ["no limit at all", { limits: {} }, "budget_invalid_request", "/limits"],
    [
      "a zone that is none",
      { window: { kind: "day", timezone: "Mars" } },
      "budget_invalid_request",
      "/window/timezone",
    ],
    ["a daemon with an id", { scope: { kind: "daemon", id: "x" } }, "budget_invalid_request", "/scope/id"],
    [
      "a route that is not there",
      { scope: { kind: "route", id: "x" } },
      "budget_invalid_request",
      "/scope/id",
    ],
    ["a project", { scope: { kind: "project", id: "p" } }, "budget_scope_unsupported", "/scope/kind"],
  ])("02-A6: %s is refused, and says where", async (_what, wrong, code, path) => {
    const body = { scope: { kind: "daemon" }, limits: { model_calls: 1 }, ...wrong };
    const refused = await api.refusal("createBudget", { body } as LooseCall);
    expect(refused).toMatchObject({ domain: "budgets", code, errors: [{ path }] });
    expect(await api.call("listBudgets")).toEqual({ budgets: [] });
  });

  test("02-A6: of a run that is not there it is refused", async () => {
    const body = { scope: { kind: "run" as const, id: "run-9999" }, limits: { model_calls: 1 } };
    expect(await api.refusal("createBudget", { body })).toMatchObject({ status: 404, code: "run_not_found" });
  });

  test("02-A6: a run waits at the limit in the inbox of its session, and goes on when it is extended", async () => {
    const session_id = await fixture.session();
    await api.call("setBudget", {
      ...budgetAt("two"),
      body: { scope: { kind: "session", id: session_id }, limits: { model_calls: 2 } },
    });
    const { run_id } = await fixture.submit(session_id, THREE_CALLS);
    const waiting = await fixture.reaches(run_id, "waiting_for_approval");
    expect(waiting.budgets).toMatchObject([{ budget_id: "two", used: { model_calls: 2 } }]);
    const [request] = (await api.call("getSession", at(session_id))).snapshot.pending_approvals;
    expect(request).toMatchObject({
      tool_name: "extend_budget",
      budget_id: "two",
      input: { exhausted: "model_calls", extend_by: { model_calls: 2 }, used: { model_calls: 2 } },
    });
    expect((await api.call("status")).budgets).toMatchObject({ waiting_run_count: 1 });
    const resolution = {
      request_id: request?.id ?? "",
      behavior: "allow" as const,
      updated_input: { extend_by: { model_calls: 1 } },
    };
    await api.call("resolveRunApprovals", { ...of(run_id), body: { resolutions: [resolution] } });
    expect(await fixture.settles(run_id)).toMatchObject({ status: "completed" });
    expect(await api.call("getBudget", budgetAt("two"))).toMatchObject({
      extended: { model_calls: 1 },
      used: { model_calls: 3 },
      reserved: { model_calls: 0 },
    });
    await api.call("deleteBudget", budgetAt("two"));
  });

  test("02-A6: what a budget holds is settled after a restart, and what it used is remembered", async () => {
    const session_id = await fixture.session();
    await api.call("setBudget", {
      ...budgetAt("kept"),
      body: { scope: { kind: "session", id: session_id }, limits: { model_calls: 9 } },
    });
    const slow = script({ delay_ms: 600_000, text: "too late" });
    const { run_id } = await fixture.submit(session_id, slow);
    const holds = async (calls: number) => {
      while ((await api.call("getBudget", budgetAt("kept"))).reserved?.model_calls !== calls) await tick();
    };
    await holds(1);
    await fixture.daemon.restart();
    // Taken over: what was cut off is used, and the call that was made again is held.
    while ((await api.call("getBudget", budgetAt("kept"))).used?.model_calls !== 1) await tick();
    await holds(1);
    await fixture.cancel(run_id);
    expect(await api.call("getBudget", budgetAt("kept"))).toMatchObject({
      used: { model_calls: 2 },
      reserved: { model_calls: 0, total_tokens: 0 },
    });
    await api.call("deleteBudget", budgetAt("kept"));
  });
}

const tick = () => new Promise((resolve) => setImmediate(resolve));
