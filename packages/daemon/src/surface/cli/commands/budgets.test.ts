import type { BudgetView } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { fakeDaemon, json } from "../testing/fake-daemon.ts";
import { kheish } from "../testing/run-cli.ts";
import { NOW } from "../testing/samples.ts";

const amounts = {
  input_tokens: 0,
  output_tokens: 0,
  total_tokens: 0,
  cost_microusd: 0,
  model_calls: 0,
  wall_time_ms: 0,
};
const BUDGET: BudgetView = {
  budget_id: "team",
  scope: { kind: "daemon" },
  window: { kind: "day", timezone: "Europe/Paris" },
  limits: { cost_microusd: 5_000_000, model_calls: 50 },
  on_limit: "ask",
  extended: { model_calls: 50 },
  used: { ...amounts, cost_microusd: 1_250_000, model_calls: 60 },
  reserved: { ...amounts, model_calls: 1 },
  resets_at_ms: NOW + 1_000,
  revision: 3,
  created_at_ms: NOW,
  updated_at_ms: NOW - 60_000,
  updated_by: "admin",
  waiting_run_count: 2,
};
const ALL = "/v1/runtime/budgets";
const TEAM = `${ALL}/team`;

describe("budgets", () => {
  it.each([
    [["list"], `GET ${ALL}`, "", { budgets: [BUDGET] }],
    [["get", "team"], `GET ${TEAM}`, "", BUDGET],
    [["delete", "team"], `DELETE ${TEAM}`, "", { accepted: true }],
    [
      ["set", "team", "--model-calls", "50", "--cost-usd", "0.25"],
      `PUT ${TEAM}`,
      {
        scope: { kind: "daemon" },
        window: { kind: "total" },
        limits: { cost_microusd: 250_000, model_calls: 50 },
        on_limit: "ask",
      },
      BUDGET,
    ],
    [
      [
        "set",
        "team",
        "--scope",
        "run",
        "--window",
        "day",
        "--timezone",
        "Europe/Paris",
        "--total-tokens",
        "9",
      ],
      `PUT ${TEAM}`,
      {
        scope: { kind: "run" },
        window: { kind: "day", timezone: "Europe/Paris" },
        limits: { total_tokens: 9 },
        on_limit: "ask",
      },
      BUDGET,
    ],
    [
      [
        "set",
        "team",
        "--scope",
        "session",
        "--scope-id",
        "s1",
        "--wall-time-ms",
        "5",
        "--on-limit",
        "fail",
        "--expected-revision",
        "2",
      ],
      `PUT ${TEAM}`,
      {
        scope: { kind: "session", id: "s1" },
        window: { kind: "total" },
        limits: { wall_time_ms: 5 },
        on_limit: "fail",
        expected_revision: 2,
      },
      BUDGET,
    ],
  ])("02-A1: %j is one call, and prints what the daemon answered", async (argv, call, body, answer) => {
    const daemon = await fakeDaemon({ [call]: json(answer) });
    const { code, stdout } = await kheish(["--base-url", daemon.baseUrl, "budgets", ...argv]);
    expect(code).toBe(0);
    const [method, url] = call.split(" ");
    expect(daemon.requests).toMatchObject([{ method, url, body }]);
    expect(JSON.parse(stdout)).toEqual(answer);
  });

  it("02-A1: is for eyes on a terminal", async () => {
    const daemon = await fakeDaemon({
      [`GET ${TEAM}`]: json(BUDGET),
      [`GET ${ALL}`]: json({ budgets: [BUDGET] }),
    });
    const show = async (...argv: string[]) =>
      (
        await kheish(["--base-url", daemon.baseUrl, "budgets", ...argv], {
          columns: 100,
          env: { NO_COLOR: "1" },
        })
      ).stdout.split("\n");
    expect(await show("get", "team")).toEqual([
      "budget        team",
      "scope         daemon",
      "window        day, Europe/Paris",
      "used          $1.25 of $5.00 cost, 60 of 100 calls",
      "held          1 calls",
      "at limit      ask",
      `begins anew   ${new Date(NOW + 1_000).toISOString()}`,
      "waiting runs  2",
      "revision      3",
      "updated       1m ago by admin",
      "",
    ]);
    expect(await show("list")).toEqual([
      "BUDGET  SCOPE   WINDOW  USED                                  AT LIMIT  WAITING",
      "team    daemon  day     $1.25 of $5.00 cost, 60 of 100 calls  ask       2",
      "",
    ]);
    daemon.on(`GET ${ALL}`, json({ budgets: [] }));
    expect(await show("list")).toEqual(["No budgets.", ""]);
  });

  it.each([
    ["no limit", ["set", "x"]],
    ["a limit below nothing", ["set", "x", "--model-calls", "-1"]],
    ["an unknown scope", ["set", "x", "--model-calls", "1", "--scope", "moon"]],
    ["no id", ["set", "--model-calls", "1"]],
  ])("02-A1: refuses %s", async (_what, argv) => {
    expect(await kheish(["budgets", ...argv])).toMatchObject({ code: 2, stdout: "" });
  });
});
