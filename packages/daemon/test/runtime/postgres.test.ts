import type { RuntimeSettingsView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { Client } from "../http/support/client.ts";
import { EventStream } from "../http/support/stream.ts";
import { useTwoOnPostgres } from "../support/two-on-postgres.ts";

const { one, other } = useTwoOnPostgres();

/** Without what is each daemon's own. */
async function settings(client: Client): Promise<Partial<RuntimeSettingsView>> {
  const { workspace_root: _workspace, state_root: _state, ...rest } = await client.call("getRuntime");
  return rest;
}

describe("two daemons on one PostgreSQL", () => {
  test("02-R2 a change at one is told to whoever watches the other, and holds there", async () => {
    const stream = await EventStream.open(other.url("eventsStream"));
    const body = { mode: "plan" as const, reason: "from the first" };
    const changed = await one.call("setPermissionMode", { body });
    const frame = await stream.until(({ event }) => event === "runtime_updated");
    expect(frame.data).toMatchObject({ runtime: { permission_mode: "plan", config: changed.config } });
    stream.close();
    expect(await settings(other)).toEqual(await settings(one));
    await other.call("setModel", { body: { model: "simulator/echo" } });
    expect(await settings(one)).toMatchObject({ model: "echo", permission_mode: "plan" });
  });

  test("02-R3 of twenty changes from one revision, ten at each, one is made", async () => {
    const { revision } = (await one.call("getRuntime")).config;
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? one : other).post("/v1/runtime/tool-limits", {
          limits: { max_parallel_tools: n + 1, max_calls_per_turn: n + 1 },
          expected_revision: revision,
        }),
      ),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(409)]);
    const { tool_runtime_limits: limits, config } = await other.call("getRuntime");
    expect(limits?.max_parallel_tools).toBe(limits?.max_calls_per_turn);
    expect(config?.revision).toBe(revision + 1);
  });

  test("02-R1 changes without one are all made, one after the other, and both tell the same history", async () => {
    const { revision } = (await one.call("getRuntime")).config;
    const views = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? one : other).call("setToolLimits", {
          body: { limits: { max_parallel_tools: n + 1 } },
        }),
      ),
    );
    const made = views.map(({ config }) => config.revision).sort((a, b) => a - b);
    expect(made).toEqual(Array.from({ length: 20 }, (_, n) => revision + 1 + n));
    const history = await one.call("listRuntimeRevisions");
    expect(history).toEqual(await other.call("listRuntimeRevisions"));
    const numbers = history.revisions.map((each) => each.revision);
    expect(numbers).toEqual(Array.from({ length: revision + 20 }, (_, n) => revision + 20 - n));
  });

  test("02-R7 what one changed the other takes back", async () => {
    await one.call("setDebugLevel", { body: { level: "full" } });
    await other.call("rollbackRuntime", { body: { setting: "debug_level" } });
    expect((await one.call("getRuntime")).debug_level).toBe("off");
  });
});
