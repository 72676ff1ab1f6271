import { describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";

const RUN_MEMORY = {
  post: "setRunMemoryPolicy",
  put: "putRunMemoryPolicy",
  patch: "patchRunMemoryPolicy",
  get: "getRunMemoryPolicy",
  field: "run_memory_policy",
  code: "invalid_run_memory_policy",
  flat: { max_prompt_entries: 2 },
} as const;
const LEARNING = {
  post: "setLearningPolicy",
  put: "putLearningPolicy",
  patch: "patchLearningPolicy",
  get: "getLearningPolicy",
  field: "learning_policy",
  code: "invalid_learning_policy",
  flat: { mode: "enabled" },
} as const;

const SECRET = "s3cret-of-the-hook";
const HOOKS = {
  hooks: {
    pre_tool_use: [
      { name: "gate", matcher: "bash*", executor: { type: "command", command: `check ${SECRET}` } },
      { name: "call", executor: { type: "http", url: `https://hooks.example:8443/in?key=${SECRET}` } },
    ],
    stop: [
      { name: "ask", executor: { type: "prompt", template: SECRET, system_prompt: SECRET } },
      {
        name: "agent",
        failure_policy: { mode: "closed", max_retries: 2 },
        executor: { type: "agent", template: SECRET, tool_surface: { allowlist: ["read_file"] } },
      },
    ],
  },
};

/** Policies and hooks: stored as they are, checked as a whole before anything changes. */
export function runtimePolicies(fixture: Fixture): void {
  const { api } = fixture;

  describe.each([RUN_MEMORY, LEARNING])("the $field", (policy) => {
    test("02-R10 is taken wrapped and, from older clients, flat", async () => {
      const wrapped = await api.call(policy.post, { body: { policy: policy.flat } });
      expect(wrapped[policy.field]).toMatchObject(policy.flat);
      const reset = await api.call(policy.post, { body: { policy: {} } });
      expect(reset[policy.field]).not.toMatchObject(policy.flat);
      const { revision } = reset.config;
      const flat = await api.call(policy.post, { body: { ...policy.flat, expected_revision: revision } });
      expect(flat[policy.field]).toEqual(wrapped[policy.field]);
      expect(await api.call(policy.get)).toEqual(flat[policy.field]);
    });

    test.each([
      {},
      { expected_revision: null },
      { skip_hooks: true },
      { polcy: { mode: "enabled" } },
      { policy: null },
      { policy: { unknown: 1 } },
      { policy: {}, stray: 1 },
    ])("02-R10 %j never resets it", async (body) => {
      const before = await api.call("getRuntime");
      expect(await api.refusal(policy.post, { body })).toMatchObject({
        status: 400,
        domain: "runtime",
        code: policy.code,
      });
      expect(await api.call("getRuntime")).toEqual(before);
    });

    test("02-R13 PUT replaces it as a whole, PATCH changes a part", async () => {
      const put = await api.call(policy.put, { body: policy.flat });
      expect(put[policy.field]).toMatchObject(policy.flat);
      const [name = ""] = Object.keys(policy.flat);
      const patched = await api.call(policy.patch, { body: { [name]: null } });
      expect(patched[policy.field]).not.toMatchObject(policy.flat);
    });
  });

  test.each([
    [{ retention_ms: 0 }, "/retention_ms"],
    [{ max_tracked_per_session: 0, max_prompt_entries: 1 }, "/max_tracked_per_session"],
    [{ max_prompt_entries: 33 }, "/max_prompt_entries"],
    [{ search_visibility: "all" }, "/search_visibility"],
  ])("02 Run-memory policy: %j is refused", async (policy, path) => {
    const refused = await api.refusal("setRunMemoryPolicy", { body: { policy } });
    expect(refused).toMatchObject({ status: 400, code: "invalid_run_memory_policy" });
    expect(refused.errors?.map((error) => error.path)).toContain(path);
  });

  test("02 Run-memory policy: what is not enabled needs no room", async () => {
    const policy = { enabled: false, retention_ms: 0, max_tracked_per_session: 0, max_prompt_entries: 0 };
    const view = await api.call("setRunMemoryPolicy", { body: { policy } });
    expect(view.run_memory_policy).toMatchObject(policy);
    expect((await api.call("status")).run_memory).toEqual({ policy: view.run_memory_policy });
  });

  test.each([
    [{ mode: "sometimes" }, "/mode"],
    [{ publication: { rules: [{ action: "publish" }] } }, "/publication/rules/0/action"],
    [{ capture: { semantic_candidates: { timeout_ms: 0 } } }, "/capture/semantic_candidates/timeout_ms"],
  ])("02-R13 the learning policy %j is refused", async (policy, path) => {
    const refused = await api.refusal("setLearningPolicy", { body: { policy } });
    expect(refused).toMatchObject({ status: 400, code: "invalid_learning_policy", errors: [{ path }] });
  });

  describe("the hooks", () => {
    test("02-R17 are shown whole to those who may change them, and nowhere else", async () => {
      const view = await api.call("setHooks", { body: { settings: HOOKS } });
      expect(view.hooks).toMatchObject({
        hooks: {
          pre_tool_use: [
            { name: "gate", matcher: "bash*", executor: { type: "command", command: "<redacted>" } },
            { executor: { url: "https://hooks.example:8443/<redacted>" } },
          ],
          stop: [
            { executor: { template: "<redacted>", system_prompt: "<redacted>" } },
            {
              executor: { template: "<redacted>", tool_surface: { allowlist: ["read_file"], denylist: [] } },
            },
          ],
        },
      });
      expect(await api.call("getHooks")).toMatchObject(HOOKS);
      const changed = structuredClone(HOOKS);
      changed.hooks.pre_tool_use.shift();
      await api.call("setHooks", { body: changed });
      const { revision } = (await api.call("getRuntime")).config;
      const shown = [
        await api.call("getRuntime"),
        await api.call("status"),
        await api.call("listRuntimeRevisions"),
        await api.call("diffRuntimeRevision", { params: { revision: String(revision) } }),
      ];
      for (const one of shown) expect(JSON.stringify(one)).not.toContain(SECRET);
      expect((await api.call("status")).hooks).toMatchObject({ configured_count: 3, enabled: true });
    });

    test("02-R17 a diff says that a body changed, not into what", async () => {
      await api.call("setHooks", { body: { settings: HOOKS } });
      const changed = structuredClone(HOOKS);
      Object.assign(changed.hooks.pre_tool_use[0]?.executor ?? {}, { command: `other ${SECRET}` });
      const { config } = await api.call("setHooks", { body: { settings: changed } });
      const params = { revision: String(config.revision) };
      expect((await api.call("diffRuntimeRevision", { params })).changes).toEqual([
        {
          setting: "hooks",
          path: "/hooks/pre_tool_use/0/executor/command",
          before: "<redacted>",
          after: "<redacted>",
        },
      ]);
    });

    test.each([
      [{}, undefined],
      [{ skip_hooks: true, expected_revision: null }, undefined],
      [{ settings: { hooks: { someday: [] } } }, "/hooks/someday"],
      [
        { settings: { hooks: { stop: [{ name: " ", executor: { type: "callback", name: "x" } }] } } },
        "/hooks/stop/0/name",
      ],
      [{ hooks: { stop: [{ name: "x", executor: { type: "shell" } }] } }, "/hooks/stop/0/executor/type"],
      [
        {
          hooks: {
            stop: [
              { name: "x", failure_policy: { max_retries: 4 }, executor: { type: "callback", name: "x" } },
            ],
          },
        },
        "/hooks/stop/0/failure_policy/max_retries",
      ],
      [
        {
          hooks: {
            stop: [
              { name: "x", executor: { type: "agent", template: "x", tool_surface: { allowlist: [] } } },
            ],
          },
        },
        "/hooks/stop/0/executor/tool_surface/allowlist",
      ],
    ])("02-R14 %j is refused and changes nothing", async (body, path) => {
      const before = await api.call("getHooks");
      const refused = await api.refusal("setHooks", { body });
      expect(refused).toMatchObject({ status: 400, domain: "runtime", code: "invalid_hook_settings" });
      if (path !== undefined) expect(refused.errors?.map((error) => error.path)).toContain(path);
      expect(await api.call("getHooks")).toEqual(before);
    });

    test.each([
      "ftp://example.org",
      "https://user:pw@example.org",
      "http://0.0.0.0/",
      "http://100.64.0.1",
      "http://169.254.169.254/latest",
      "http://2852039166/latest",
      "http://192.0.2.1",
      "http://198.18.0.1",
      "http://224.0.0.1",
      "http://240.0.0.1",
      "http://[fe80::1]/",
      "http://[fec0::1]/",
      "http://[ff02::1]/",
      "http://[2001:db8::1]/",
      "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
      "http://[2002:7f00:1::]/",
      "http://[64:ff9b::127.0.0.1]/",
      "http://[::127.0.0.1]/",
      "http://[::ffff:8.8.8.8]/",
      "not a url",
    ])("03-R50 a hook may not call %s", async (url) => {
      const hooks = { stop: [{ name: "x", executor: { type: "http", url } }] };
      const refused = await api.refusal("setHooks", { body: { settings: { hooks } } });
      expect(refused).toMatchObject({
        code: "invalid_hook_settings",
        errors: [{ path: "/hooks/stop/0/executor/url" }],
      });
    });

    test.each([
      "https://8.8.8.8/hook",
      "http://localhost:4000/",
      "http://127.0.0.1:9/",
      "http://10.1.2.3",
      "http://[::1]/",
      "http://[fd00::1]/",
    ])("03-R50 03-A1 a hook may call a public address and the operator's own network: %s", async (url) => {
      const hooks = { stop: [{ name: "x", executor: { type: "http", url } }] };
      const view = await api.call("putHooks", { body: { hooks } });
      expect(view.hooks.hooks.stop).toHaveLength(1);
    });
  });
}
