import { afterAll, describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { bash, GATED, say, script, use } from "./support/script.ts";

/** Changes of the daemon-wide settings, one after the other on one daemon that begins with nothing. */
export function runtimeSettings(fixture: Fixture): void {
  const { api } = fixture;
  const revision = async () => (await api.call("getRuntime")).config.revision;

  test("02 RuntimeSettingsView: a daemon that was told nothing has the documented defaults", async () => {
    const view = await api.call("getRuntime");
    expect(view).toMatchObject({
      route_id: "simulator",
      provider: "simulator",
      route_diagnostics: [],
      permission_mode: "default",
      system_prompt: {},
      hooks: { hooks: {} },
      debug_level: "off",
      learning_policy: { mode: "shadow", judge: { enabled: false, model: null, timeout_ms: null } },
      run_memory_policy: {
        enabled: true,
        retention_ms: 2_592_000_000,
        max_tracked_per_session: 32,
        max_prompt_entries: 3,
        redact_pii: true,
        search_visibility: "session_only",
      },
      tool_runtime_limits: { max_parallel_tools: 16, max_sandbox: "network_enabled" },
      config: { revision: 0, persisted: false, history_len: 0, history_limit: 64 },
    });
    expect(view.config).not.toHaveProperty("updated_at_ms");
    expect(await api.call("listRuntimeRevisions")).toEqual({ revisions: [] });
    const nothing = await api.refusal("rollbackRuntime");
    expect(nothing).toMatchObject({ status: 404, domain: "runtime", code: "runtime_revision_not_found" });
  });

  describe("the default route and model", () => {
    afterAll(() => api.call("setModel", { body: { model: "simulator/script" } }));

    test.each([
      [{ model: "second/echo" }, "second", "echo"],
      [{ provider: "second", model: "script" }, "second", "script"],
      [{ provider: null, model: "simulator/echo" }, "simulator", "echo"],
    ])("02-R34 %j is what new runs are pinned to", async (body, route_id, model) => {
      const view = await api.call("setModel", { body });
      expect(view).toMatchObject({ route_id, provider: "simulator", model, default_route: { model } });
      expect(view.routes?.[0]).toMatchObject({ route_id, model });
      const run = await fixture.begin("hello");
      expect(run.request).toMatchObject({ provider: route_id, model });
      const { provider_readiness } = await api.call("status");
      expect(provider_readiness.routes).toContainEqual(expect.objectContaining({ route_id, active: true }));
    });

    test("02-R35 a run that names only the default's route gets the model that was chosen for it", async () => {
      await api.call("setModel", { body: { model: "second/echo" } });
      const run = await fixture.begin("hello", { provider: "second" });
      expect(run.request).toMatchObject({ provider: "second", model: "echo" });
      const elsewhere = await fixture.begin("hello", { provider: "simulator" });
      expect(elsewhere.request).toMatchObject({ provider: "simulator", model: "script" });
    });

    test("02-R15 queued and waiting runs and session policies keep what they were pinned to", async () => {
      await api.call("setModel", { body: { model: "second/script" } });
      const waiting = await fixture.beginWaiting(GATED);
      const queued = await fixture.submit(waiting.session_id, "queued");
      const session_id = await fixture.session();
      const route_policy = { provider: "second", generation: { model: "script" } };
      await api.call("putRoutePolicy", { ...at(session_id), body: { route_policy } });
      await api.call("setModel", { body: { model: "simulator/echo" } });
      for (const { run_id } of [waiting, queued]) {
        expect((await fixture.run(run_id)).request).toMatchObject({ provider: "second", model: "script" });
      }
      const pinned = { provider: "second", model: "script" };
      expect((await fixture.submit(session_id, "hello")).request).toMatchObject(pinned);
      const [request_id = ""] = waiting.pending_approval_ids ?? [];
      const resolutions = [{ request_id, behavior: "allow" as const }];
      await api.call("resolveRunApprovals", { ...of(waiting.run_id), body: { resolutions } });
      const done = await fixture.settles(waiting.run_id);
      expect(done).toMatchObject({ status: "completed", request: pinned });
    });

    test.each([
      [{ model: "nowhere", provider: "gone" }, "routes", "route_not_ready"],
      [{ model: "keyless/gpt-5" }, "routes", "route_not_ready"],
      [{ model: "second/" }, "runtime", "runtime_validation_failed"],
    ])("02-R36 %j is refused and changes nothing", async (body, domain, code) => {
      const before = await api.call("getRuntime");
      expect(await api.refusal("setModel", { body })).toMatchObject({ status: 400, domain, code });
      expect(await api.call("getRuntime")).toEqual(before);
    });
  });

  describe("the system prompt", () => {
    afterAll(() => api.call("setSystemPrompt", { body: { settings: {} } }));

    test("02 SystemPromptSettings is replaced as a whole; null unsets", async () => {
      const first = { append_prompt: "Be brief.", language: "French" };
      expect(await api.call("setSystemPrompt", { body: { settings: first } })).toMatchObject({
        system_prompt: first,
      });
      const body = { settings: { custom_prompt: "You bake.", language: null } };
      const { system_prompt } = await api.call("setSystemPrompt", { body });
      expect(system_prompt).toEqual({ custom_prompt: "You bake." });
    });

    test("02 weakness 18: PUT replaces it, PATCH changes a part", async () => {
      const put = await api.call("putSystemPrompt", { body: { custom_prompt: "A", output_style: "terse" } });
      expect(put.system_prompt).toEqual({ custom_prompt: "A", output_style: "terse" });
      const patch = { custom_prompt: null, language: "German" };
      const patched = await api.call("patchSystemPrompt", { body: patch });
      expect(patched.system_prompt).toEqual({ output_style: "terse", language: "German" });
      const refused = await api.refusal("patchSystemPrompt", { body: { tone: "x", language: " " } });
      expect(refused).toMatchObject({ status: 400, code: "runtime_validation_failed" });
      expect(refused.errors?.map(({ path }) => path).sort()).toEqual(["/language", "/tone"]);
    });
  });

  describe("the debug level", () => {
    afterAll(() => api.call("setDebugLevel", { body: { level: "off" } }));

    test.each(["on", "redacted", "full", "off"] as const)("is set to %s", async (level) => {
      expect(await api.call("setDebugLevel", { body: { level } })).toMatchObject({ debug_level: level });
    });

    test("is one of four", async () => {
      const refused = await api.refusal("putDebugLevel", { body: { level: "loud" } });
      expect(refused).toMatchObject({ status: 422, code: "request_body_invalid" });
    });
  });

  describe("the limits of tool calls", () => {
    afterAll(() => api.call("setToolLimits", { body: { limits: {} } }));

    test("02-R11 are replaced; what is left out has its default", async () => {
      await api.call("setToolLimits", { body: { limits: { max_parallel_tools: 2, max_calls_per_turn: 9 } } });
      const view = await api.call("setToolLimits", { body: { limits: { max_parallel_tools: 3 } } });
      expect(view.tool_runtime_limits).toMatchObject({ max_parallel_tools: 3, max_calls_per_turn: 256 });
      expect(await api.call("getToolLimits")).toEqual(view.tool_runtime_limits);
    });

    test("02 weakness 18: PATCH changes one field, and null gives it its default back", async () => {
      await api.call("putToolLimits", { body: { max_parallel_tools: 3, max_calls_per_turn: 7 } });
      const one = await api.call("patchToolLimits", { body: { max_calls_per_turn: 8 } });
      expect(one.tool_runtime_limits).toMatchObject({ max_parallel_tools: 3, max_calls_per_turn: 8 });
      const back = await api.call("patchToolLimits", { body: { max_parallel_tools: null } });
      expect(back.tool_runtime_limits).toMatchObject({ max_parallel_tools: 16, max_calls_per_turn: 8 });
    });

    test.each([
      [{ limits: { max_parallel_tools: 0 } }, "/max_parallel_tools"],
      [{ limits: { max_timeout_ms: -1 } }, "/max_timeout_ms"],
      [{ limits: { max_output_bytes: 1.5 } }, "/max_output_bytes"],
      [{ limits: { max_sandbox: "everything" } }, "/max_sandbox"],
      [{ limits: { max_paralel_tools: 4 } }, "/max_paralel_tools"],
      [{ limits: [] }, undefined],
      [{ max_parallel_tools: 4 }, undefined],
      [{}, undefined],
      [{ expected_revision: 0 }, undefined],
    ])("02-R11 %j is refused and changes nothing", async (body, path) => {
      const before = await revision();
      const refused = await api.refusal("setToolLimits", { body });
      expect(refused).toMatchObject({ status: 400, code: "invalid_tool_runtime_limits" });
      if (path !== undefined) expect(refused.errors).toMatchObject([{ path }]);
      expect(await revision()).toBe(before);
    });

    test("02-R11 bound the next batch of a run that is there already", async () => {
      const content = script(bash("echo 1"), bash("echo 2", "echo 3"), say("{{last_tool_output}}"));
      const run = await fixture.beginWaiting(content);
      await api.call("setToolLimits", { body: { limits: { max_calls_per_turn: 1 } } });
      await api.call("setPermissionMode", { body: { mode: "bypassPermissions" } });
      const [request_id = ""] = run.pending_approval_ids ?? [];
      const resolutions = [{ request_id, behavior: "allow" as const }];
      await api.call("resolveRunApprovals", { ...of(run.run_id), body: { resolutions } });
      const done = await fixture.settles(run.run_id);
      expect(done.outputs?.[0]?.content).toContain("more than 1 calls in one turn");
      await api.call("setPermissionMode", { body: { mode: "default" } });
    });

    test("02-R11 a sandbox ceiling keeps tools from running", async () => {
      await api.call("setToolLimits", { body: { limits: { max_sandbox: "read_only" } } });
      const write = use("write_file", { path: "x.txt", content: "x" });
      await api.call("setPermissionMode", { body: { mode: "acceptEdits" } });
      const run = await fixture.finish(await fixture.session(), script(write, say("{{last_tool_output}}")));
      expect(run.outputs?.[0]?.content).toContain("the sandbox ceiling is read_only");
      await api.call("setPermissionMode", { body: { mode: "default" } });
    });
  });
}
