import { describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";

/** The history of the settings, on a daemon of its own. */
export function runtimeRevisions(fixture: Fixture): void {
  const { api } = fixture;
  const view = () => api.call("getRuntime");
  const mode = (next: "default" | "plan" | "dontAsk", more = {}) =>
    api.call("setPermissionMode", { body: { mode: next, ...more } });
  const put = (path: string, body: object, headers: Record<string, string>) =>
    api.send("PUT", path, {
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  test("02-R2 each change is one full snapshot that says who made it, when and why", async () => {
    const first = await mode("plan", { reason: "an incident" });
    expect(first.config).toMatchObject({ revision: 1, persisted: true, history_len: 0 });
    await api.call("setDebugLevel", { body: { level: "on" } });
    const { revisions } = await api.call("listRuntimeRevisions");
    expect(revisions).toMatchObject([
      {
        revision: 2,
        source: "runtime_api",
        setting: "debug_level",
        debug_level: "on",
        permission_mode: "plan",
        run_memory_policy: { enabled: true },
        tool_runtime_limits: { max_parallel_tools: 16 },
      },
      { revision: 1, setting: "permission_mode", permission_mode: "plan", debug_level: "off" },
    ]);
    expect(revisions[1]).toMatchObject({ reason: "an incident", request_id: expect.stringMatching(/^req_/) });
    for (const revision of revisions) {
      expect(revision.actor).toMatch(/./);
      expect(revision.updated_at_ms).toBeGreaterThan(1_700_000_000_000);
    }
    expect(revisions[0]).not.toHaveProperty("reason");
  });

  test("02-R2 each change is told to whoever watches the daemon, by an event that a cursor can stand at", async () => {
    const { events } = await api.call("status");
    const stream = await fixture.stream("eventsStream", { query: { cursor: events.tail_event_id_cursor } });
    const { config } = await mode("dontAsk");
    const frame = await stream.until(({ event }) => event === "runtime_updated");
    expect(frame.data).toMatchObject({ runtime: { permission_mode: "dontAsk", config } });
    expect(frame.id).toMatch(/^\d+$/);
  });

  describe("the revision that a caller knows", () => {
    test.each([
      ["setModel", { model: "second/echo" }],
      ["setPermissionMode", { mode: "plan" }],
      ["setSystemPrompt", { settings: {} }],
      ["setDebugLevel", { level: "full" }],
      ["setHooks", { settings: { hooks: {} } }],
      ["setLearningPolicy", { policy: { mode: "enabled" } }],
      ["setRunMemoryPolicy", { policy: {} }],
      ["setToolLimits", { limits: {} }],
      ["rollbackRuntime", {}],
    ] as const)(
      "02-R3 %s from another revision is a conflict and changes nothing",
      async (endpoint, body) => {
        const before = await view();
        const stale = { ...body, expected_revision: before.config.revision - 1 };
        expect(await api.refusal(endpoint, { body: stale })).toMatchObject({
          status: 409,
          domain: "runtime",
          code: "runtime_revision_conflict",
        });
        expect(await view()).toEqual(before);
        const known = { ...body, expected_revision: before.config.revision };
        const { answer } = await api.exchange(endpoint, { body: known });
        expect(answer).toMatchObject({ config: { revision: before.config.revision + 1 } });
      },
    );

    test("02-R1 of ten different changes from one revision one is made, and nothing of the others", async () => {
      const before = await view();
      const { revision } = before.config;
      const replies = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          api.post("/v1/runtime/tool-limits", {
            limits: { max_parallel_tools: index + 1, max_calls_per_turn: index + 1 },
            expected_revision: revision,
          }),
        ),
      );
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(replies.filter(({ status }) => status === 409)).toHaveLength(9);
      const { tool_runtime_limits: limits, config } = await view();
      expect(limits.max_parallel_tools).toBe(limits.max_calls_per_turn);
      expect(config.revision).toBe(revision + 1);
    });

    test("02-R1 ten changes at once without one are all made, one after the other", async () => {
      const { config } = await view();
      const replies = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          api.post("/v1/runtime/tool-limits", { limits: { max_parallel_tools: index + 1 } }),
        ),
      );
      const made = replies.map(({ text }) => JSON.parse(text).config.revision as number);
      expect(made.sort((a, b) => a - b)).toEqual(
        Array.from({ length: 10 }, (_, i) => config.revision + 1 + i),
      );
    });

    test("02 weakness 18: ETag and If-Match are the revision", async () => {
      const got = await api.send("GET", "/v1/runtime/tool-limits");
      const etag = got.headers.get("etag") ?? "";
      expect(etag).toBe(`"${(await view()).config.revision}"`);
      const limits = { ...JSON.parse(got.text), max_parallel_tools: 5 };
      const first = await put("/v1/runtime/tool-limits?reason=less%20load", limits, { "if-match": etag });
      expect(first.status).toBe(200);
      expect(first.headers.get("etag")).toBe(`"${(await view()).config.revision}"`);
      expect((await api.call("listRuntimeRevisions")).revisions[0]?.reason).toBe("less load");

      const before = await view();
      const stale = await put("/v1/runtime/tool-limits", limits, { "if-match": etag });
      expect(JSON.parse(stale.text)).toMatchObject({ status: 412, code: "runtime_precondition_failed" });
      const broken = await put("/v1/runtime/tool-limits", limits, { "if-match": "12" });
      expect(JSON.parse(broken.text)).toMatchObject({ status: 400, code: "runtime_validation_failed" });
      expect(await view()).toEqual(before);
      const now = `"${before.config.revision}"`;
      for (const header of [`"0", W/${now}`, "*"]) {
        const taken = await put("/v1/runtime/permission-mode", { mode: "default" }, { "if-match": header });
        expect(taken.status).toBe(200);
      }
    });
  });

  describe("going back", () => {
    test("02-R7 restores the revision before as a new one and deletes none", async () => {
      await mode("plan");
      const limits = { limits: { max_parallel_tools: 2 } };
      const { config } = await api.call("setToolLimits", { body: limits });
      const back = await api.call("rollbackRuntime", { body: { reason: "too slow" } });
      expect(back.tool_runtime_limits.max_parallel_tools).not.toBe(2);
      expect(back.config.revision).toBe(config.revision + 1);
      const { revisions } = await api.call("listRuntimeRevisions");
      expect(revisions.slice(0, 2)).toMatchObject([
        {
          setting: "rollback",
          source: "runtime_api",
          rollback_of_revision: config.revision - 1,
          reason: "too slow",
        },
        { revision: config.revision, tool_runtime_limits: { max_parallel_tools: 2 } },
      ]);
      // Going back again undoes the going back.
      const forth = await api.call("rollbackRuntime", { body: { skip_hooks: true } });
      expect(forth.tool_runtime_limits.max_parallel_tools).toBe(2);
      const [newest] = (await api.call("listRuntimeRevisions")).revisions;
      expect(newest).toMatchObject({ source: "runtime_api_force", setting: "rollback" });
    });

    test("02-R7 restores any revision that is kept, with everything in it", async () => {
      await api.call("setSystemPrompt", { body: { settings: { append_prompt: "old" } } });
      await mode("plan");
      const { config } = await api.call("setModel", { body: { model: "second/echo" } });
      await api.call("setSystemPrompt", { body: { settings: {} } });
      await mode("default");
      await api.call("setModel", { body: { model: "simulator/script" } });
      const back = await api.call("rollbackRuntime", { body: { target_revision: config.revision } });
      expect(back).toMatchObject({
        permission_mode: "plan",
        system_prompt: { append_prompt: "old" },
        route_id: "second",
        model: "echo",
      });
      expect((await fixture.begin("hello")).request).toMatchObject({ provider: "second", model: "echo" });
    });

    test.each([{ target_revision: 0 }, { target_revision: 999_999 }, { target_revision: -1 }])(
      "02-R7 %j is not there, and changes nothing",
      async (body) => {
        const before = await view();
        expect(await api.refusal("rollbackRuntime", { body })).toMatchObject({
          status: 404,
          domain: "runtime",
          code: "runtime_revision_not_found",
        });
        expect(await view()).toEqual(before);
      },
    );

    test("02-A9 takes back one setting and leaves what was changed since", async () => {
      await mode("default");
      await mode("dontAsk");
      await api.call("setDebugLevel", { body: { level: "on" } });
      await api.call("setDebugLevel", { body: { level: "full" } });
      const back = await api.call("rollbackRuntime", { body: { setting: "permission_mode" } });
      expect(back).toMatchObject({ permission_mode: "default", debug_level: "full" });
      const [newest] = (await api.call("listRuntimeRevisions")).revisions;
      expect(newest).toMatchObject({ setting: "rollback", rolled_back_setting: "permission_mode" });
      const body = { setting: "debug_level" as const, target_revision: 1 };
      expect(await api.call("rollbackRuntime", { body })).toMatchObject({
        permission_mode: "default",
        debug_level: "off",
      });
    });

    test("02-A9 a setting that never was another cannot be taken back", async () => {
      const hooks = await api.refusal("rollbackRuntime", { body: { setting: "hooks" } });
      expect(hooks).toMatchObject({ status: 404, code: "runtime_revision_not_found" });
      const unknown = await api.refusal("rollbackRuntime", { body: { setting: "colour" } });
      expect(unknown).toMatchObject({ status: 422 });
    });
  });

  describe("what a revision changed", () => {
    const diff = (revision: number, against?: number) =>
      api.call("diffRuntimeRevision", {
        params: { revision: String(revision) },
        ...(against === undefined ? {} : { query: { against: String(against) } }),
      });

    test("02-A9 is told setting by setting, against the one before or any other", async () => {
      await api.call("setSystemPrompt", { body: { settings: { language: "French" } } });
      const { config } = await mode("plan");
      await mode("dontAsk");
      const last = await api.call("setSystemPrompt", { body: { settings: { output_style: "terse" } } });
      expect(await diff(config.revision + 1)).toEqual({
        revision: config.revision + 1,
        against: config.revision,
        changes: [{ setting: "permission_mode", path: "", before: "plan", after: "dontAsk" }],
      });
      expect((await diff(last.config.revision, config.revision)).changes).toEqual([
        { setting: "permission_mode", path: "", before: "plan", after: "dontAsk" },
        { setting: "system_prompt", path: "/language", before: "French" },
        { setting: "system_prompt", path: "/output_style", after: "terse" },
      ]);
      expect((await diff(1, 0)).changes).toEqual([
        { setting: "permission_mode", path: "", before: "default", after: "plan" },
      ]);
    });

    test.each([["999999"], ["0"]])("02-A9 revision %s has none to show", async (revision) => {
      const refused = await api.refusal("diffRuntimeRevision", { params: { revision } });
      expect(refused).toMatchObject({ status: 404, code: "runtime_revision_not_found" });
    });

    test("02-A9 a revision is a number", async () => {
      const refused = await api.refusal("diffRuntimeRevision", { params: { revision: "last" } });
      expect(refused).toMatchObject({ status: 400, code: "runtime_validation_failed" });
    });
  });

  test("02-R9 a daemon that starts again has what it had", async () => {
    await api.call("setModel", { body: { model: "second/echo" } });
    await api.call("setToolLimits", { body: { limits: { max_parallel_tools: 7 } } });
    const before = await view();
    const { revisions } = await api.call("listRuntimeRevisions");
    await fixture.daemon.restart();
    expect(await view()).toEqual(before);
    expect(await api.call("listRuntimeRevisions")).toEqual({ revisions });
    expect((await fixture.begin("hello")).request).toMatchObject({ provider: "second", model: "echo" });
  });

  test("02-R6 at most 64 past revisions are kept", async () => {
    for (let n = 0; n < 70; n++) await mode(n % 2 === 0 ? "plan" : "default");
    const { config } = await view();
    expect(config).toMatchObject({ history_len: 64, history_limit: 64 });
    const { revisions } = await api.call("listRuntimeRevisions");
    const expected = Array.from({ length: 65 }, (_, index) => config.revision - index);
    expect(revisions.map(({ revision }) => revision)).toEqual(expected);
    const gone = { target_revision: config.revision - 65 };
    expect(await api.refusal("rollbackRuntime", { body: gone })).toMatchObject({ status: 404 });
    const oldest = { target_revision: config.revision - 64 };
    expect((await api.call("rollbackRuntime", { body: oldest })).config.revision).toBe(config.revision + 1);
  });
}
