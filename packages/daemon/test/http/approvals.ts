import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { ALLOW, Approver, batch, DENY, pending, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { bash, GATED, say, script, use } from "./support/script.ts";
import { runIn, shows } from "./support/stream.ts";

export function approvals(fixture: Fixture): void {
  const { api } = fixture;
  const approver = new Approver(api);
  const file = (name: string) => join(fixture.daemon.workspace, name);

  describe("03-R29 the request", () => {
    test("is made for the whole batch before any call of it has run", async () => {
      const run = await fixture.beginWaiting(script(bash("touch early-1", "touch early-2"), say("done")));
      const [one, two] = run.pending_approvals ?? [];
      expect(run).toMatchObject({
        status: "waiting_for_approval",
        pending_approval_ids: [one?.id, two?.id],
        request: { approval_count: 2 },
      });
      expect(one).toEqual({
        id: expect.stringMatching(/^approval-bash-\d+-[0-9a-f]{8}$/),
        tool_call_id: "sim-0-0",
        tool_name: "bash",
        input: { command: "touch early-1" },
        scope: "default",
        reason: "approval required",
      });
      const moves = await api.call("runEvents", of(run.run_id));
      expect(moves.at(-1)?.event).toEqual({
        type: "waiting_for_approval",
        request_ids: pending(run),
        requests: run.pending_approvals,
      });
      expect(existsSync(file("early-1"))).toBe(false);
      await fixture.cancel(run.run_id);
    });

    test("lists the calls in their order", async () => {
      const commands = Array.from({ length: 12 }, (_, index) => `echo ${index}`);
      const run = await fixture.beginWaiting(script(bash(...commands), say("done")));
      expect(run.pending_approvals?.map(({ input }) => input)).toEqual(
        commands.map((command) => ({ command })),
      );
      const { snapshot } = await api.call("getSession", at(run.session_id));
      expect(snapshot.pending_approvals).toEqual(run.pending_approvals);
      await fixture.cancel(run.run_id);
    });

    test("is written into the audit with the rule that asked", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), use("noop", {}), say("done")));
      await approver.decide(run, [requestOf(run), ALLOW]);
      await fixture.settles(run.run_id);
      const audits = await api.call("sessionPermissionAudits", at(run.session_id));
      expect(audits).toMatchObject([
        {
          tool_name: "bash",
          tool_call_id: "sim-0-0",
          decision: "ask",
          matched_rule_pattern: "bash",
          approval_request_id: requestOf(run),
        },
        { tool_name: "noop", tool_call_id: "sim-1-0", decision: "allow" },
      ]);
      const page = await api.call("sessionPermissionAudits", {
        ...at(run.session_id),
        query: { page: "true", limit: "1" },
      });
      expect(page).toMatchObject({
        items: [{ tool_name: "bash" }],
        pagination: { total_count: 2, has_more: true },
      });
    });
  });

  describe("03-R31 the decision", () => {
    test("allow: the call runs, the same run goes on as approval_resume, and the event says what was decided", async () => {
      const run = await fixture.beginWaiting(GATED);
      const id = requestOf(run);
      const answer = await api.exchange("resolveRunApprovals", {
        ...of(run.run_id),
        body: batch([id, { ...ALLOW, justification: "looks fine" }]),
      });
      expect(answer.status).toBe(202);
      expect(answer.answer.run_id).toBe(run.run_id);
      const done = await fixture.settles(run.run_id);
      expect(done).toMatchObject({ kind: "approval_resume", status: "completed" });
      expect(done.outputs?.[0]?.content).toContain('"stdout":"ran\\n"');
      const moves = await api.call("runEvents", of(run.run_id));
      expect(moves.map(({ event }) => event.type)).toEqual([
        "accepted",
        "started",
        "waiting_for_approval",
        "approval_resolved",
        "output",
        "completed",
      ]);
      expect(moves[3]?.event).toEqual({
        type: "approval_resolved",
        resolutions: [{ request_id: id, behavior: "allow", justification: "looks fine" }],
        decided_by: "anonymous",
      });
    });

    test("deny: the call does not run, and the model reads the reason", async () => {
      const run = await fixture.beginWaiting(script(bash("touch denied"), say("{{last_tool_output}}")));
      await approver.decide(run, [requestOf(run), { ...DENY, reason: "not on a Friday" }]);
      const { outputs, status } = await fixture.settles(run.run_id);
      expect(status).toBe("completed");
      expect(outputs?.[0]?.content).toContain("not on a Friday");
      expect(existsSync(file("denied"))).toBe(false);
    });

    test("deny without a reason has one", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), say("{{last_tool_output}}")));
      await approver.decide(run, [requestOf(run), DENY]);
      expect((await fixture.settles(run.run_id)).outputs?.[0]?.content).toContain("approval denied");
    });

    test("with an edited input: what runs is the edit", async () => {
      const run = await fixture.beginWaiting(script(bash("touch asked"), say("{{last_tool_output}}")));
      await approver.decide(run, [
        requestOf(run),
        { ...ALLOW, updated_input: { command: "echo edited > edited" } },
      ]);
      expect((await fixture.settles(run.run_id)).status).toBe("completed");
      expect(await readFile(file("edited"), "utf8")).toBe("edited\n");
      expect(existsSync(file("asked"))).toBe(false);
    });

    test("with an edit that the tool would not take: 400, and the run still waits", async () => {
      const run = await fixture.beginWaiting(GATED);
      await fixture.leavesAlone(run.session_id, async () => {
        const body = batch([requestOf(run), { ...ALLOW, updated_input: { command: 7 } }]);
        expect(await approver.refusal(run, body)).toMatchObject({
          status: 400,
          domain: "approvals",
          code: "approval_input_invalid",
        });
      });
      await approver.decide(run, [requestOf(run), ALLOW]);
      expect((await fixture.settles(run.run_id)).status).toBe("completed");
    });

    test("of a part: the run waits on for the rest, and nothing of the batch runs before that", async () => {
      const run = await fixture.beginWaiting(
        script(bash("touch part-1", "touch part-2", "touch part-3"), say("done")),
      );
      const [one, two, three] = [requestOf(run), requestOf(run, 1), requestOf(run, 2)];
      const stream = await fixture.stream("runStream", of(run.run_id));

      const partly = await approver.decide(run, [two, ALLOW]);
      expect(partly).toMatchObject({ status: "waiting_for_approval", pending_approval_ids: [one, three] });
      const shown = await stream.until(shows(run.run_id, "waiting_for_approval"));
      expect(runIn(shown)?.pending_approval_ids).toEqual([one, three]);
      const summary = await api.call("listSessions");
      expect(summary).toContainEqual(
        expect.objectContaining({
          session_id: run.session_id,
          pending_approvals: 2,
          status: "waiting_for_approval",
        }),
      );
      expect(existsSync(file("part-2"))).toBe(false);

      await approver.decide(run, [three, DENY], [one, ALLOW]);
      expect((await fixture.settles(run.run_id)).status).toBe("completed");
      expect(["part-1", "part-2", "part-3"].map((name) => existsSync(file(name)))).toEqual([
        true,
        true,
        false,
      ]);
      const moves = await fixture.movesOf(run.run_id);
      expect(moves.filter((type) => type === "approval_resolved")).toHaveLength(2);
    });

    test("03-R36 each is an event of the run, and leaves the audit as it was", async () => {
      const run = await fixture.beginWaiting(script(bash("true", "false"), say("done")));
      const audits = () => api.call("sessionPermissionAudits", at(run.session_id));
      const asked = await audits();
      const [first, second] = [requestOf(run, 0), requestOf(run, 1)];
      await approver.decide(run, [first, { ...ALLOW, justification: "read it" }]);
      await approver.decide(run, [second, { ...DENY, reason: "not this one" }]);
      await fixture.settles(run.run_id);
      const moves = await api.call("runEvents", of(run.run_id));
      const resolved = moves.map(({ event }) => event).filter(({ type }) => type === "approval_resolved");
      expect(resolved).toMatchObject([
        { resolutions: [{ request_id: first, behavior: "allow", justification: "read it" }] },
        { resolutions: [{ request_id: second, behavior: "deny", reason: "not this one" }] },
      ]);
      expect(await audits()).toEqual(asked);
    });

    test("03-R32 covers one call: the next one asks again", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), bash("true"), say("done")));
      const first = requestOf(run);
      await approver.decide(run, [first, ALLOW]);
      const again = await fixture.reaches(run.run_id, "waiting_for_approval");
      expect(pending(again)).toHaveLength(1);
      expect(pending(again)).not.toContain(first);
      expect(again.request.approval_count).toBe(2);
      await approver.decide(again, [requestOf(again), ALLOW]);
      expect((await fixture.settles(run.run_id)).status).toBe("completed");
    });

    test("by the session: approval-runs answers at once, approvals when the run is at rest", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), bash("true"), say("both")));
      const body = (current: RunView) => batch([requestOf(current), ALLOW]);
      const detached = await api.exchange("resolveSessionApprovalRuns", {
        ...at(run.session_id),
        body: body(run),
      });
      expect(detached).toMatchObject({ status: 202, answer: { run_id: run.run_id } });
      const again = await fixture.reaches(run.run_id, "waiting_for_approval");
      const settled = await api.exchange("resolveSessionApprovals", {
        ...at(run.session_id),
        body: body(again),
      });
      expect(settled).toMatchObject({
        status: 200,
        answer: { snapshot: { last_assistant_message: "both" } },
      });
      for (const endpoint of ["resolveSessionApprovals", "resolveSessionApprovalRuns"] as const) {
        const unknown = batch(["approval-bash-0-00000000", ALLOW]);
        const idle = await api.refusal(endpoint, { ...at(run.session_id), body: unknown });
        expect(idle).toMatchObject({ status: 409, domain: "runs", code: "run_state_conflict" });
        const lost = await api.refusal(endpoint, { ...at("nobody"), body: body(again) });
        expect(lost).toMatchObject({ status: 404, code: "session_not_found" });
      }
    });

    test("01-A1 by the session, too late: the same decision is answered with the run, another is a conflict", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), say("done")));
      await approver.decide(run, [requestOf(run), ALLOW]);
      await fixture.settles(run.run_id);
      const same = { ...at(run.session_id), body: batch([requestOf(run), ALLOW]) };
      expect(await api.exchange("resolveSessionApprovalRuns", same)).toMatchObject({
        status: 202,
        answer: { run_id: run.run_id, status: "completed" },
      });
      const other = { ...at(run.session_id), body: batch([requestOf(run), DENY]) };
      const refused = await api.refusal("resolveSessionApprovalRuns", other);
      expect(refused).toMatchObject({ status: 409, domain: "approvals", code: "approval_state_conflict" });
    });

    test("01-R25 by the session, waiting: a run that then fails is a problem that names it", async () => {
      const broken = { error: { status: 400, message: "broken", times: 0 } };
      const run = await fixture.beginWaiting(script(bash("true"), broken));
      const body = batch([requestOf(run), ALLOW]);
      const failed = await api.refusal("resolveSessionApprovals", { ...at(run.session_id), body });
      expect(failed).toMatchObject({ status: 500, code: "internal_error", run_id: run.run_id });
    });
  });
}
