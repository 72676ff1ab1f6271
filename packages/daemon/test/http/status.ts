import { describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { ASKING, bash, ENDLESS, say, script } from "./support/script.ts";

export function status(fixture: Fixture): void {
  const { api } = fixture;

  describe("probes and descriptors", () => {
    test("/healthz and /readyz answer in text", async () => {
      expect(await api.call("healthz")).toBe("ok\n");
      expect(await api.call("readyz")).toBe("ready\n");
    });

    test("01-A3 the capabilities tell the truth", async () => {
      const capabilities = await api.call("capabilities");
      expect(capabilities).toMatchObject({
        api_revision: 3,
        approvals: true,
        sse_replay: true,
        playbooks: false,
      });
      expect((await api.call("status")).capabilities).toEqual(capabilities);
    });

    test("the OpenAPI document describes what is served", async () => {
      const document = await api.call("openapi");
      expect(document).toMatchObject({ openapi: "3.1.0", info: { "x-api-revision": 3 } });
      expect(Object.keys(document.paths ?? {})).toContain("/v1/runs/{run_id}/approvals");
    });
  });

  describe("01-R75 to R77 the operator's snapshot", () => {
    test("counts runs in each state, what they wait for, and the deepest queue", async () => {
      const before = (await api.call("status")).runs;
      const endless = await fixture.begin(ENDLESS);
      for (let index = 0; index < 3; index++) await fixture.submit(endless.session_id, script(say("queued")));
      const gated = await fixture.beginWaiting(script(bash("true", "true"), say("done")));
      const asking = await fixture.beginWaiting(ASKING);
      await fixture.settles((await fixture.begin("hi")).run_id);
      const broken = script({ error: { status: 400, message: "broken", times: 0 } });
      await fixture.settles((await fixture.begin(broken)).run_id);

      const { runs, sessions, events, storage, health } = await api.call("status");
      expect(runs).toMatchObject({
        total: before.total + 8,
        running: 1,
        queued: 3,
        waiting_for_approval: 1,
        waiting_for_user_question: 1,
        completed: before.completed + 1,
        failed: before.failed + 1,
        pending_approval_count: 2,
        pending_question_count: 1,
        max_session_queue_depth: 3,
        oldest_non_terminal_run_id: endless.run_id,
        stale_non_terminal_run_count: 0,
      });
      expect(runs.oldest_queued_run_age_ms).toBeGreaterThanOrEqual(0);
      expect(sessions.total).toBe(((await api.call("listSessions")) as unknown[]).length);
      expect(events.newest_event_id).toBe(events.tail_event_id_cursor);
      expect(storage).toMatchObject({ ok: true, state_root_lock: { held: true } });
      expect(storage.session_storage?.total_bytes).toBeGreaterThan(0);
      expect(health.ok).toBe(true);

      for (const { session_id } of [endless, gated, asking]) await fixture.quiet(session_id);
      const after = (await api.call("status")).runs;
      expect(after).toMatchObject({
        running: 0,
        queued: 0,
        interrupted: 3,
        cancelled: 3,
        pending_approval_count: 0,
        pending_question_count: 0,
        max_session_queue_depth: 0,
      });
      expect(after).not.toHaveProperty("oldest_non_terminal_run_id");
    });

    test("says where it is, who may come in and which routes answer", async () => {
      const { control_plane, provider_readiness, runtime, ready, status } = await api.call("status");
      expect({ ready, status }).toEqual({ ready: true, status: "ready" });
      expect(control_plane).toMatchObject({
        base_url: fixture.daemon.baseUrl,
        bind_is_loopback: true,
        auth_enabled: false,
        externally_exposed_without_auth: false,
      });
      expect(provider_readiness).toMatchObject({
        route_count: 3,
        ready_route_count: 2,
        active_route_ready: true,
      });
      expect(runtime).toEqual(await api.call("getRuntime"));
      expect(runtime).toMatchObject({ route_id: "simulator", workspace_root: fixture.daemon.workspace });
    });
  });
}
