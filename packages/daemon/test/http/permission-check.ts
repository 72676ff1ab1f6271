import { expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";

/** Dry runs of the permission rules. */
export function permissionCheck(fixture: Fixture): void {
  const { api } = fixture;
  const check = (body: { tool_name: string; [more: string]: unknown }) =>
    api.call("checkPermission", { body: body as { tool_name: string } });

  test("03-R27 explains the decision, and nothing happens", async () => {
    const before = (await api.call("status")).events.next_event_id;
    const asked = await check({ tool_name: "bash", input: { command: "ls" } });
    expect(asked).toMatchObject({
      tool_name: "bash",
      effective_mode: "default",
      decision: "ask",
      base_decision: "ask",
      mode_applied: false,
      approval_required: true,
      hooks_evaluated: false,
      hook_policy: "not_executed_in_dry_run",
      matched_rule: "bash",
      matched_rule_origin: "static",
      audit_preview: { tool_name: "bash", decision: "ask" },
    });
    expect(asked.audit_preview).not.toHaveProperty("approval_request_id");
    expect(await check({ tool_name: "read_file", tool_call_id: "c1" })).toMatchObject({
      tool_call_id: "c1",
      decision: "allow",
      approval_required: false,
      matched_rule: "*",
    });
    expect((await api.call("status")).events.next_event_id).toBe(before);
  });

  test("03-R22 under another mode than the daemon's", async () => {
    expect(await check({ tool_name: "bash", mode_override: "dontAsk" })).toMatchObject({
      effective_mode: "dontAsk",
      decision: "deny",
      mode_applied: true,
      mode_effect: "dont_ask_denied_approval",
    });
    await api.call("setPermissionMode", { body: { mode: "acceptEdits" } });
    expect(await check({ tool_name: "write_file" })).toMatchObject({
      effective_mode: "acceptEdits",
      decision: "allow",
    });
    await api.call("setPermissionMode", { body: { mode: "default" } });
  });

  test("03-R2 in a session that hides the tool", async () => {
    const session_id = await fixture.session();
    const body = { tool_overrides: { disable: ["read_file"] } };
    await api.call("putToolOverrides", { ...at(session_id), body });
    expect(await check({ tool_name: "read_file", session_id })).toMatchObject({
      decision: "deny",
      scope: "session",
      reason: expect.stringContaining("unavailable"),
    });
    expect(await check({ tool_name: "glob_search", session_id })).toMatchObject({ decision: "allow" });
  });

  test("03-R27 an unknown session is refused", async () => {
    const body = { tool_name: "bash", session_id: "nobody" };
    const refused = { status: 404, domain: "sessions", code: "session_not_found" };
    expect(await api.refusal("checkPermission", { body })).toMatchObject(refused);
    expect(await api.refusal("permissionMatrix", { body: { session_id: "nobody" } })).toMatchObject(refused);
  });

  test("03 permissions matrix: every tool under every mode, as each check alone says", async () => {
    const { modes } = await api.call("permissionMatrix");
    expect(modes.map(({ mode }) => mode)).toEqual([
      "default",
      "acceptEdits",
      "bypassPermissions",
      "plan",
      "dontAsk",
    ]);
    for (const { mode, tools } of modes) {
      expect(tools.map(({ tool_name }) => tool_name)).toEqual(expect.arrayContaining(["bash", "read_file"]));
      for (const one of tools) {
        expect(await check({ tool_name: one.tool_name, mode_override: mode })).toEqual(one);
      }
    }
  });
}
