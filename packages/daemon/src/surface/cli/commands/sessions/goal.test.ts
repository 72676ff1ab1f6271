import type { SessionGoal } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { fakeDaemon, json } from "../../testing/fake-daemon.ts";
import { kheish } from "../../testing/run-cli.ts";
import { NOW } from "../../testing/samples.ts";

const GOAL: SessionGoal = {
  goal_id: "goal-1-1",
  session_id: "s1",
  objective: "ship it",
  status: "active",
  token_budget: 1_000,
  tokens_used: 250,
  time_used_ms: 65_000,
  created_at_ms: NOW - 120_000,
  updated_at_ms: NOW - 60_000,
  version: 3,
  definition_version: 1,
};
const PATH = "/v1/sessions/s1/goal";

describe("sessions goal", () => {
  it.each([
    [["get", "s1"], "GET", ""],
    [["set", "s1", "ship it"], "PUT", { objective: "ship it" }],
    [
      ["set", "s1", "ship it", "--token-budget", "1000", "--status", "paused"],
      "PUT",
      { objective: "ship it", token_budget: 1_000, status: "paused" },
    ],
    [["clear", "s1"], "DELETE", ""],
  ])("%j is one call, and prints what the daemon answered", async (argv, method, body) => {
    const answer = { goal: GOAL, remaining_tokens: 750 };
    const daemon = await fakeDaemon({ [`${method} ${PATH}`]: json(answer) });
    const { code, stdout } = await kheish(["--base-url", daemon.baseUrl, "sessions", "goal", ...argv]);
    expect(code).toBe(0);
    expect(daemon.requests).toMatchObject([{ method, url: PATH, body }]);
    expect(JSON.parse(stdout)).toEqual(answer);
  });

  it("is for eyes on a terminal", async () => {
    const daemon = await fakeDaemon({ [`GET ${PATH}`]: json({ goal: GOAL, remaining_tokens: 750 }) });
    const show = () =>
      kheish(["--base-url", daemon.baseUrl, "sessions", "goal", "get", "s1"], {
        columns: 80,
        env: { NO_COLOR: "1" },
      });
    expect((await show()).stdout.split("\n")).toEqual([
      "goal       goal-1-1",
      "status     active",
      "objective  ship it",
      "tokens     250 of 1000",
      "remaining  750",
      "time       65 s",
      "updated    1m ago",
      "",
    ]);
    daemon.on(`GET ${PATH}`, json({}));
    expect((await show()).stdout).toBe("No goal.\n");
  });

  it.each([
    ["no objective", ["set", "s1"]],
    ["a budget of nothing", ["set", "s1", "x", "--token-budget", "0"]],
    ["a status that only the daemon gives", ["set", "s1", "x", "--status", "budget_limited"]],
  ])("refuses %s", async (_what, argv) => {
    expect(await kheish(["sessions", "goal", ...argv])).toMatchObject({ code: 2, stdout: "" });
  });
});
