import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ApprovalResolution, RunView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { type OpenStore, useDaemon } from "./fixture.ts";
import { ASKING, bash, ENDLESS, GATED, say, script, use } from "./script.ts";
import { runIn, shows } from "./stream.ts";

type Decision = Omit<ApprovalResolution, "request_id">;
const ALLOW: Decision = { behavior: "allow" };
const DENY: Decision = { behavior: "deny" };

/** The places where two different decisions of the same request race. */
const RACES = 50;

export function approvals(openStore: OpenStore): void {
  const fixture = useDaemon(openStore);
  const { api } = fixture;
  const at = (session_id: string) => ({ params: { session_id } });
  const of = (run_id: string) => ({ params: { run_id } });

  const pending = (run: RunView) => run.pending_approval_ids ?? [];
  const batch = (...decisions: [string, Decision][]) => ({
    resolutions: decisions.map(([request_id, decision]) => ({ request_id, ...decision })),
  });
  const decide = (run: RunView, ...decisions: [string, Decision][]) =>
    api.call("resolveRunApprovals", { ...of(run.run_id), body: batch(...decisions) });
  const refused = (run: RunView, body: unknown) =>
    api.refusal("resolveRunApprovals", { ...of(run.run_id), body });
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
      await api.call("cancelRun", of(run.run_id));
    });

    test("lists the calls in their order", async () => {
      const commands = Array.from({ length: 12 }, (_, index) => `echo ${index}`);
      const run = await fixture.beginWaiting(script(bash(...commands), say("done")));
      expect(run.pending_approvals?.map(({ input }) => input)).toEqual(
        commands.map((command) => ({ command })),
      );
      const { snapshot } = await api.call("getSession", at(run.session_id));
      expect(snapshot.pending_approvals).toEqual(run.pending_approvals);
      await api.call("cancelRun", of(run.run_id));
    });

    test("is written into the audit with the rule that asked", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), use("noop", {}), say("done")));
      await decide(run, [pending(run)[0] ?? "", ALLOW]);
      await fixture.settles(run.run_id);
      const audits = await api.call("sessionPermissionAudits", at(run.session_id));
      expect(audits).toMatchObject([
        {
          tool_name: "bash",
          tool_call_id: "sim-0-0",
          decision: "ask",
          matched_rule_pattern: "bash",
          approval_request_id: pending(run)[0],
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
      const [id = ""] = pending(run);
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
      });
    });

    test("deny: the call does not run, and the model reads the reason", async () => {
      const run = await fixture.beginWaiting(script(bash("touch denied"), say("{{last_tool_output}}")));
      await decide(run, [pending(run)[0] ?? "", { ...DENY, reason: "not on a Friday" }]);
      const { outputs, status } = await fixture.settles(run.run_id);
      expect(status).toBe("completed");
      expect(outputs?.[0]?.content).toContain("not on a Friday");
      expect(existsSync(file("denied"))).toBe(false);
    });

    test("deny without a reason has one", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), say("{{last_tool_output}}")));
      await decide(run, [pending(run)[0] ?? "", DENY]);
      expect((await fixture.settles(run.run_id)).outputs?.[0]?.content).toContain("approval denied");
    });

    test("with an edited input: what runs is the edit", async () => {
      const run = await fixture.beginWaiting(script(bash("touch asked"), say("{{last_tool_output}}")));
      await decide(run, [
        pending(run)[0] ?? "",
        { ...ALLOW, updated_input: { command: "echo edited > edited" } },
      ]);
      expect((await fixture.settles(run.run_id)).status).toBe("completed");
      expect(await readFile(file("edited"), "utf8")).toBe("edited\n");
      expect(existsSync(file("asked"))).toBe(false);
    });

    test("with an edit that the tool would not take: 400, and the run still waits", async () => {
      const run = await fixture.beginWaiting(GATED);
      await fixture.leavesAlone(run.session_id, async () => {
        const body = batch([pending(run)[0] ?? "", { ...ALLOW, updated_input: { command: 7 } }]);
        expect(await refused(run, body)).toMatchObject({
          status: 400,
          domain: "approvals",
          code: "approval_input_invalid",
        });
      });
      await decide(run, [pending(run)[0] ?? "", ALLOW]);
      expect((await fixture.settles(run.run_id)).status).toBe("completed");
    });

    test("of a part: the run waits on for the rest, and nothing of the batch runs before that", async () => {
      const run = await fixture.beginWaiting(
        script(bash("touch part-1", "touch part-2", "touch part-3"), say("done")),
      );
      const [one = "", two = "", three = ""] = pending(run);
      const stream = await fixture.stream("runStream", of(run.run_id));

      const partly = await decide(run, [two, ALLOW]);
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

      await decide(run, [three, DENY], [one, ALLOW]);
      expect((await fixture.settles(run.run_id)).status).toBe("completed");
      expect(["part-1", "part-2", "part-3"].map((name) => existsSync(file(name)))).toEqual([
        true,
        true,
        false,
      ]);
      const moves = await fixture.movesOf(run.run_id);
      expect(moves.filter((type) => type === "approval_resolved")).toHaveLength(2);
    });

    test("03-R32 covers one call: the next one asks again", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), bash("true"), say("done")));
      const [first = ""] = pending(run);
      await decide(run, [first, ALLOW]);
      const again = await fixture.reaches(run.run_id, "waiting_for_approval");
      expect(pending(again)).toHaveLength(1);
      expect(pending(again)).not.toContain(first);
      expect(again.request.approval_count).toBe(2);
      await decide(again, [pending(again)[0] ?? "", ALLOW]);
      expect((await fixture.settles(run.run_id)).status).toBe("completed");
    });

    test("by the session: approval-runs answers at once, approvals when the run is at rest", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), bash("true"), say("both")));
      const body = (current: RunView) => batch([pending(current)[0] ?? "", ALLOW]);
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
        const idle = await api.refusal(endpoint, { ...at(run.session_id), body: body(again) });
        expect(idle).toMatchObject({ status: 409, domain: "runs", code: "run_state_conflict" });
        const lost = await api.refusal(endpoint, { ...at("nobody"), body: body(again) });
        expect(lost).toMatchObject({ status: 404, code: "session_not_found" });
      }
    });

    test("01-R25 by the session, waiting: a run that then fails is a problem that names it", async () => {
      const broken = { error: { status: 400, message: "broken", times: 0 } };
      const run = await fixture.beginWaiting(script(bash("true"), broken));
      const body = batch([pending(run)[0] ?? "", ALLOW]);
      const failed = await api.refusal("resolveSessionApprovals", { ...at(run.session_id), body });
      expect(failed).toMatchObject({ status: 500, code: "internal_error", run_id: run.run_id });
    });
  });

  describe("03-R30 a batch that cannot be applied whole is not applied at all", () => {
    test.each([
      ["an empty one", () => [], 400, "approval_batch_empty"],
      ["one with a request twice", (id: string) => [id, id], 400, "approval_duplicate_resolution"],
      [
        "one with an unknown request",
        (id: string) => [id, "approval-bash-0-00000000"],
        400,
        "approval_request_not_pending",
      ],
    ] as const)("%s", async (_what, ids, status, code) => {
      const run = await fixture.beginWaiting(script(bash("true", "true"), say("done")));
      await fixture.leavesAlone(run.session_id, async () => {
        const body = batch(...ids(pending(run)[0] ?? "").map((id): [string, Decision] => [id, ALLOW]));
        expect(await refused(run, body)).toMatchObject({ status, domain: "approvals", code });
      });
    });

    test("one with a request of another run", async () => {
      const [run, other] = [await fixture.beginWaiting(GATED), await fixture.beginWaiting(GATED)];
      for (const { session_id } of [run, other]) {
        await fixture.leavesAlone(session_id, async () => {
          const body = batch([pending(run)[0] ?? "", ALLOW], [pending(other)[0] ?? "", ALLOW]);
          expect(await refused(run, body)).toMatchObject({
            status: 400,
            code: "approval_request_not_pending",
          });
        });
      }
    });

    test("one with a request that was decided otherwise", async () => {
      const run = await fixture.beginWaiting(script(bash("true", "true"), say("done")));
      const [one = "", two = ""] = pending(run);
      await decide(run, [one, ALLOW]);
      await fixture.leavesAlone(run.session_id, async () => {
        const body = batch([two, ALLOW], [one, DENY]);
        expect(await refused(run, body)).toMatchObject({ status: 409, code: "approval_state_conflict" });
      });
      // The same decision again is nothing new, and what is new beside it counts.
      expect((await decide(run, [one, ALLOW], [two, ALLOW])).status).not.toBe("waiting_for_approval");
    });
  });

  describe("01-A1 in another state", () => {
    test("a run that runs: 409 approvals/approval_state_conflict", async () => {
      const run = await fixture.begin(ENDLESS);
      expect(await refused(run, batch(["approval-bash-1-0", ALLOW]))).toMatchObject({
        status: 409,
        domain: "approvals",
        code: "approval_state_conflict",
      });
      await api.call("cancelRun", of(run.run_id));
    });

    test("a run that waits for an answer: 409 approvals/approval_state_conflict", async () => {
      const run = await fixture.beginWaiting(ASKING);
      expect(await refused(run, batch(["approval-bash-1-0", ALLOW]))).toMatchObject({
        status: 409,
        domain: "approvals",
        code: "approval_state_conflict",
      });
    });

    test.each(["queued", "completed"])("a run that is %s: 409 runs/run_state_conflict", async (state) => {
      const session_id = await fixture.session();
      if (state === "queued") await fixture.submit(session_id, ASKING);
      const run = await fixture.submit(session_id, script(say("hello")));
      if (state === "completed") await fixture.settles(run.run_id);
      expect(await refused(run, batch(["approval-bash-1-0", ALLOW]))).toMatchObject({
        status: 409,
        domain: "runs",
        code: "run_state_conflict",
      });
    });

    test("decided already: the same again is 202 and writes nothing, another is 409, however long ago", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), say("done")));
      const [id = ""] = pending(run);
      await decide(run, [id, { ...DENY, reason: "no" }]);
      await fixture.settles(run.run_id);
      await fixture.leavesAlone(run.session_id, async () => {
        expect((await decide(run, [id, { ...DENY, reason: "no" }])).status).toBe("completed");
        for (const other of [ALLOW, { ...DENY, reason: "another" }]) {
          expect(await refused(run, batch([id, other]))).toMatchObject({
            status: 409,
            domain: "approvals",
            code: "approval_state_conflict",
          });
        }
      });
    });
  });

  describe("two callers", () => {
    test(`01-A1 with different decisions: one of them counts, ${RACES} times over`, async () => {
      const session_id = await fixture.session();
      const winners = new Set<string>();
      for (let race = 0; race < RACES; race++) {
        const { run_id } = await fixture.submit(session_id, script(bash(`touch race-${race}`), say("done")));
        const run = await fixture.reaches(run_id, "waiting_for_approval");
        const sides: Decision[] = race % 2 === 0 ? [ALLOW, DENY] : [DENY, ALLOW];
        const replies = await Promise.all(
          sides.map((side) =>
            api.send("POST", `/v1/runs/${run_id}/approvals`, {
              headers: { "content-type": "application/json" },
              body: JSON.stringify(batch([pending(run)[0] ?? "", side])),
            }),
          ),
        );
        expect(replies.map(({ status }) => status).toSorted()).toEqual([202, 409]);
        const won = sides[replies.findIndex(({ status }) => status === 202)]?.behavior;
        const lost = replies.find(({ status }) => status === 409);
        expect(JSON.parse(lost?.text ?? "")).toMatchObject({
          domain: "approvals",
          code: "approval_state_conflict",
        });
        await fixture.settles(run_id);
        expect(existsSync(file(`race-${race}`))).toBe(won === "allow");
        const resolved = (await fixture.movesOf(run_id)).filter((type) => type === "approval_resolved");
        expect(resolved).toHaveLength(1);
        winners.add(won ?? "nobody");
      }
      expect([...winners].every((won) => won === "allow" || won === "deny")).toBe(true);
    });

    test("01-A1 with the same decision: both are answered, and it counts once", async () => {
      for (let race = 0; race < 10; race++) {
        const run = await fixture.beginWaiting(GATED);
        const [id = ""] = pending(run);
        const both = await Promise.all([decide(run, [id, ALLOW]), decide(run, [id, ALLOW])]);
        expect(both.map(({ run_id }) => run_id)).toEqual([run.run_id, run.run_id]);
        await fixture.settles(run.run_id);
        const moves = await fixture.movesOf(run.run_id);
        expect(moves.filter((type) => type === "approval_resolved")).toHaveLength(1);
      }
    });

    test("with one half of the batch each: both count", async () => {
      for (let race = 0; race < 10; race++) {
        const run = await fixture.beginWaiting(script(bash("true", "true"), say("done")));
        const [one = "", two = ""] = pending(run);
        await Promise.all([decide(run, [one, ALLOW]), decide(run, [two, DENY])]);
        expect((await fixture.settles(run.run_id)).status).toBe("completed");
      }
    });

    test("one of whom cancels the run: what it waited for is either decided or refused, never both", async () => {
      for (let race = 0; race < 10; race++) {
        const run = await fixture.beginWaiting(script(bash("true"), { delay_ms: 600_000 }));
        const [, decision] = await Promise.all([
          api.call("cancelRun", of(run.run_id)),
          api.send("POST", `/v1/runs/${run.run_id}/approvals`, {
            headers: { "content-type": "application/json" },
            body: JSON.stringify(batch([pending(run)[0] ?? "", ALLOW])),
          }),
        ]);
        const moves = await fixture.movesOf(run.run_id);
        expect(moves.at(-1)).toBe("cancelled");
        expect(moves.includes("approval_resolved")).toBe(decision.status === 202);
        expect([202, 409]).toContain(decision.status);
      }
    });
  });

  describe("01-A10 expiry", () => {
    const expiring = async (content: string, operator: object) => {
      const session_id = await fixture.session();
      await api.call("putOperator", { ...at(session_id), body: { operator } });
      const { run_id } = await fixture.submit(session_id, content);
      return run_id;
    };

    test("deny, the default: the model reads that nobody answered, and what was asked cannot be allowed any more", async () => {
      const run_id = await expiring(script(bash("touch late"), say("{{last_tool_output}}")), {
        approval_timeout_ms: 150,
      });
      const waiting = await fixture.reaches(run_id, "waiting_for_approval", "completed");
      const run = await fixture.settles(run_id);
      expect(run.status).toBe("completed");
      expect(run.outputs?.[0]?.content).toContain("was not answered before");
      expect(existsSync(file("late"))).toBe(false);
      const [asked] = (await api.call("runEvents", of(run_id))).flatMap(({ event }) =>
        event.type === "waiting_for_approval" ? (event.requests ?? []) : [],
      );
      expect(asked).toMatchObject({ on_timeout: "deny" });
      expect(asked?.expires_at_ms).toBeGreaterThan(run.started_at_ms ?? 0);
      expect(await refused(waiting, batch([asked?.id ?? "", ALLOW]))).toMatchObject({
        status: 409,
        domain: "approvals",
        code: "approval_state_conflict",
      });
    });

    test("cancel: the run is cancelled, and says what it waited for", async () => {
      const run_id = await expiring(script(bash("touch late"), say("never")), {
        approval_timeout_ms: 150,
        approval_on_timeout: "cancel",
      });
      const run = await fixture.settles(run_id);
      expect(run.status).toBe("cancelled");
      expect(run.error).toMatch(/approval 'approval-bash-.*' was not answered before \d{4}-/);
      expect(existsSync(file("late"))).toBe(false);
    });

    test("of each request of a batch by itself: an answer in time holds", async () => {
      const run_id = await expiring(script(bash("touch in-time", "touch too-late"), say("done")), {
        approval_timeout_ms: 400,
      });
      const run = await fixture.reaches(run_id, "waiting_for_approval");
      await decide(run, [pending(run)[0] ?? "", ALLOW]);
      expect((await fixture.settles(run_id)).status).toBe("completed");
      expect([existsSync(file("in-time")), existsSync(file("too-late"))]).toEqual([true, false]);
    });
  });
}
