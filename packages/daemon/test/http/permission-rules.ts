import { afterEach, describe, expect, test } from "vitest";
import { ALLOW, Approver, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { bash, say, script } from "./support/script.ts";

const git = { command: [{ argv: ["git", "status", "**"] }] };

/** Rules that operators make, and what they make of runs. */
export function permissionRules(fixture: Fixture): void {
  const { api } = fixture;
  const approver = new Approver(api);
  const rule = (rule_id: string) => ({ params: { rule_id } });
  const own = (session_id: string, rule_id: string) => ({ params: { session_id, rule_id } });

  afterEach(async () => {
    for (const { rule_id } of (await api.call("listPermissionRules")).rules)
      await api.call("deletePermissionRule", rule(rule_id));
  });

  describe("03-A7 a rule's life", () => {
    test("made, read, replaced, removed; each time at the next revision, by whom", async () => {
      const body = {
        tool_name_pattern: "bash",
        behavior: "allow",
        match: git,
        reason: "reads only",
      } as const;
      const made = await api.exchange("createPermissionRule", { body });
      expect(made.status).toBe(201);
      expect(made.answer).toEqual({
        rule_id: expect.stringMatching(/^rule-\d+$/),
        scope: "user",
        ...body,
        origin: "operator",
        created_by: "anonymous",
        created_at_ms: expect.any(Number),
        updated_by: "anonymous",
        updated_at_ms: expect.any(Number),
        revision: 1,
      });
      const { rule_id } = made.answer;
      expect((await api.call("listPermissionRules")).rules).toEqual([made.answer]);
      const changed = await api.call("setPermissionRule", {
        ...rule(rule_id),
        body: { scope: "project", tool_name_pattern: "bash", behavior: "deny", expected_revision: 1 },
      });
      expect(changed).toMatchObject({ revision: 2, scope: "project", behavior: "deny" });
      expect(changed).not.toHaveProperty("match");
      expect(await api.call("deletePermissionRule", rule(rule_id))).toEqual({ accepted: true });
      expect((await api.call("listPermissionRules")).rules).toEqual([]);
    });

    test("of a session, under an id of the caller's own", async () => {
      const session_id = await fixture.session();
      const body = { tool_name_pattern: "write_file", behavior: "deny" } as const;
      const created = await api.exchange("setSessionRule", { ...own(session_id, "no-writes"), body });
      expect(created).toMatchObject({
        status: 201,
        answer: { rule_id: "no-writes", scope: "session", session_id, revision: 1 },
      });
      const again = await api.exchange("setSessionRule", { ...own(session_id, "no-writes"), body });
      expect(again).toMatchObject({ status: 200, answer: { revision: 2 } });
      expect((await api.call("listSessionRules", at(session_id))).rules).toEqual([again.answer]);
      expect((await api.call("listPermissionRules")).rules).toEqual([]);
      const other = await fixture.session();
      expect((await api.call("listSessionRules", at(other))).rules).toEqual([]);
      const journal = await fixture.journalOf(session_id);
      expect(journal.filter(({ type }) => type === "permission_rule_set")).toMatchObject([
        { rule: { rule_id: "no-writes", updated_by: "anonymous" } },
        { rule: { rule_id: "no-writes" } },
      ]);
      await api.call("deleteSessionRule", own(session_id, "no-writes"));
      expect((await fixture.journalOf(session_id)).at(-1)).toMatchObject({
        type: "permission_rule_removed",
        rule_id: "no-writes",
        cause: "deleted",
        by: "anonymous",
      });
    });

    test("of twenty who know the same revision one changes it", async () => {
      const body = { tool_name_pattern: "bash", behavior: "ask" } as const;
      await api.call("setPermissionRule", { ...rule("shared"), body });
      const wish = { ...body, expected_revision: 1 };
      const replies = await Promise.all(
        Array.from({ length: 20 }, () =>
          api.send("PUT", "/v1/runtime/permissions/rules/shared", {
            headers: { "content-type": "application/json" },
            body: JSON.stringify(wish),
          }),
        ),
      );
      expect(replies.map(({ status }) => status).toSorted()).toEqual([200, ...Array(19).fill(409)]);
      expect((await api.call("listPermissionRules")).rules).toMatchObject([{ revision: 2 }]);
    });
  });

  describe("03-A7 refusals", () => {
    const plain = { tool_name_pattern: "bash", behavior: "allow" } as const;

    test("say what is wrong, and nothing is changed", async () => {
      await api.call("setPermissionRule", { ...rule("there"), body: plain });
      const create = (body: object) => api.refusal("createPermissionRule", { body });
      const change = (id: string, body: object) => api.refusal("setPermissionRule", { ...rule(id), body });
      expect(await create({ rule_id: "there", ...plain })).toMatchObject({
        status: 409,
        domain: "permissions",
        code: "permission_rule_exists",
      });
      expect(await change("there", { ...plain, expected_revision: 7 })).toMatchObject({
        status: 409,
        code: "permission_rule_revision_conflict",
        detail: expect.stringContaining("at revision 1, not 7"),
      });
      expect(await change("nowhere", { ...plain, expected_revision: 1 })).toMatchObject({
        status: 404,
        code: "permission_rule_not_found",
      });
      expect(await api.refusal("deletePermissionRule", rule("nowhere"))).toMatchObject({ status: 404 });
      const stale = { ...rule("there"), query: { expected_revision: "2" } };
      expect(await api.refusal("deletePermissionRule", stale)).toMatchObject({ status: 409 });
      const odd = { ...rule("there"), query: { expected_revision: "x" } };
      expect(await api.refusal("deletePermissionRule", odd)).toMatchObject({ code: "request_query_invalid" });
      expect(await change("a%20b", plain)).toMatchObject({ status: 400, code: "permission_rule_invalid" });
      expect(await create({ ...plain, expires_at_ms: 1 })).toMatchObject({
        code: "permission_rule_invalid",
        errors: [{ path: "/expires_at_ms" }],
      });
      expect(await create({ ...plain, required_approvals: 2 })).toMatchObject({
        code: "permission_rule_invalid",
      });
      expect((await api.call("listPermissionRules")).rules).toHaveLength(1);
    });

    test.each([
      [{ ...plain, tool_name_pattern: "a*b" }, "/tool_name_pattern"],
      [{ ...plain, tool_name_pattern: "" }, "/tool_name_pattern"],
      [{ ...plain, behavior: "maybe" }, "/behavior"],
      [{ ...plain, scope: "session" }, "/scope"],
      [{ ...plain, match: {} }, "/match"],
      [{ ...plain, match: { command: [{ argv: [] }] } }, "/match/command/0/argv"],
      [{ ...plain, match: { path: "docs" } }, "/match/path"],
      [{ ...plain, also: 1 }, ""],
    ])("%j is refused at %s", async (body, path) => {
      const refused = await api.refusal("createPermissionRule", { body });
      expect(refused).toMatchObject({ status: 422, code: "request_body_invalid" });
      if (path !== "") expect(refused.errors?.map((error) => error.path)).toContain(path);
    });

    test("a session that is not there has no rules", async () => {
      const lost = { status: 404, domain: "sessions", code: "session_not_found" };
      expect(await api.refusal("listSessionRules", at("nobody"))).toMatchObject(lost);
      expect(await api.refusal("createSessionRule", { ...at("nobody"), body: plain })).toMatchObject(lost);
      expect(await api.refusal("setSessionRule", { ...own("nobody", "a"), body: plain })).toMatchObject(lost);
      expect(await api.refusal("deleteSessionRule", own("nobody", "a"))).toMatchObject(lost);
    });
  });

  describe("03-R20 what rules make of a run", () => {
    const outcome = async (session_id: string, ...commands: string[]) => {
      const run = await fixture.submit(session_id, script(bash(...commands), say("done")));
      const rested = await fixture.reaches(run.run_id, "completed", "waiting_for_approval");
      const audits = await api.call("sessionPermissionAudits", at(session_id));
      if (rested.status === "waiting_for_approval") await fixture.cancel(run.run_id);
      return (Array.isArray(audits) ? audits : audits.items).slice(-commands.length);
    };

    test("a user-scope deny of bash denies, and its reason is told", async () => {
      await api.call("createPermissionRule", {
        body: { tool_name_pattern: "bash", behavior: "deny", reason: "no shell here" },
      });
      const [audit] = await outcome(await fixture.session(), "echo x");
      expect(audit).toMatchObject({
        decision: "deny",
        base_decision: "deny",
        scope: "user",
        reason: "no shell here",
        matched_rule_pattern: "bash",
        matched_rule_origin: "static",
      });
    });

    test("session before project before user", async () => {
      const session_id = await fixture.session();
      const body = (behavior: "allow" | "ask" | "deny") => ({ tool_name_pattern: "bash", behavior });
      await api.call("createPermissionRule", { body: body("deny") });
      await api.call("createPermissionRule", { body: { scope: "project", ...body("ask") } });
      expect(await outcome(session_id, "true")).toMatchObject([{ decision: "ask", scope: "project" }]);
      await api.call("createSessionRule", { ...at(session_id), body: body("allow") });
      expect(await outcome(session_id, "true")).toMatchObject([{ decision: "allow", scope: "session" }]);
      expect(await outcome(await fixture.session(), "true")).toMatchObject([{ decision: "ask" }]);
    });

    test("03-A7 words, pipelines and substitutions of a command", async () => {
      const session_id = await fixture.session();
      const match = { command: [{ argv: ["echo", "**"] }, { argv: ["wc", "**"] }] };
      const allow = { tool_name_pattern: "bash", behavior: "allow", match } as const;
      await api.call("createSessionRule", { ...at(session_id), body: allow });
      const decisions = await outcome(
        session_id,
        "echo a | wc -l",
        "echo $(echo b)",
        "echo a; rm -rf x",
        "echo $(rm -rf x)",
        "echo x > file",
        "echo 'unterminated",
      );
      expect(decisions.map(({ decision }) => decision)).toEqual([
        "allow",
        "allow",
        "ask",
        "ask",
        "ask",
        "ask",
      ]);
      const check = await api.call("checkPermission", {
        body: { tool_name: "bash", session_id, input: { command: "echo $(rm -rf x) > f" } },
      });
      expect(check).toMatchObject({
        decision: "ask",
        seen: {
          commands: [{ argv: ["echo", "$(rm -rf x)"], unknown: [1] }, { argv: ["rm", "-rf", "x"] }],
          redirects: ["f"],
        },
      });
    });

    test("03-R27 a check tells the rule and changes nothing", async () => {
      const { rule_id } = await api.call("createPermissionRule", {
        body: { tool_name_pattern: "bash", behavior: "allow", match: git },
      });
      const before = (await api.call("status")).events.next_event_id;
      const input = { command: "git status -s" };
      expect(await api.call("checkPermission", { body: { tool_name: "bash", input } })).toMatchObject({
        decision: "allow",
        scope: "user",
        matched_rule: "bash",
        matched_rule_id: rule_id,
        audit_preview: { matched_rule_id: rule_id, decision: "allow" },
      });
      expect((await api.call("status")).events.next_event_id).toBe(before);
    });
  });

  describe("03-A5 what an answer is remembered for", () => {
    const twice = (...commands: string[]) => script(...commands.map((command) => bash(command)), say("done"));

    test("nothing, when nothing is said, or once", async () => {
      for (const remember of [undefined, { scope: "once" as const }]) {
        const run = await fixture.beginWaiting(twice("echo a", "echo a"));
        await approver.decide(run, [requestOf(run), remember === undefined ? ALLOW : { ...ALLOW, remember }]);
        const again = await fixture.reaches(run.run_id, "waiting_for_approval");
        expect((await api.call("listSessionRules", at(run.session_id))).rules).toEqual([]);
        await fixture.cancel(again.run_id);
      }
    });

    test("the same input in this run, and no further", async () => {
      const run = await fixture.beginWaiting(twice("echo a", "echo a", "echo b"));
      await approver.decide(run, [requestOf(run), { ...ALLOW, remember: { scope: "run" } }]);
      const asked = await fixture.reaches(run.run_id, "waiting_for_approval");
      expect(asked.pending_approvals?.[0]?.input).toEqual({ command: "echo b" });
      const [kept] = (await api.call("listSessionRules", at(run.session_id))).rules;
      expect(kept).toMatchObject({
        scope: "session",
        origin: "remembered",
        run_id: run.run_id,
        tool_name_pattern: "bash",
        input_digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        approval_request_id: requestOf(run),
        approved_by: ["anonymous"],
      });
      await approver.decide(asked, [requestOf(asked), ALLOW]);
      expect((await fixture.settles(run.run_id)).request.approval_count).toBe(2);
      expect((await api.call("listSessionRules", at(run.session_id))).rules).toEqual([]);
      const next = await fixture.submit(run.session_id, twice("echo a"));
      await fixture.cancel((await fixture.reaches(next.run_id, "waiting_for_approval")).run_id);
    });

    test("what fits the pattern in this session, until it is removed", async () => {
      const run = await fixture.beginWaiting(twice("echo a", "echo b"));
      const pattern = { match: { command: [{ argv: ["echo", "*"] }] } };
      const remember = { scope: "session", match: "pattern", pattern } as const;
      await approver.decide(run, [requestOf(run), { ...ALLOW, remember }]);
      expect((await fixture.settles(run.run_id)).request.approval_count).toBe(1);
      const next = await fixture.finish(run.session_id, twice("echo c"));
      expect(next.status).toBe("completed");
      const audits = await api.call("sessionPermissionAudits", at(run.session_id));
      expect((Array.isArray(audits) ? audits : audits.items).at(-1)).toMatchObject({
        decision: "allow",
        scope: "session",
        matched_rule_origin: "remembered",
      });
      const [kept] = (await api.call("listSessionRules", at(run.session_id))).rules;
      await api.call("deleteSessionRule", own(run.session_id, kept?.rule_id ?? ""));
      const asked = await fixture.submit(run.session_id, twice("echo c"));
      await fixture.cancel((await fixture.reaches(asked.run_id, "waiting_for_approval")).run_id);
    });

    test("a no, too", async () => {
      const run = await fixture.beginWaiting(twice("echo a", "echo a"));
      const remember = { scope: "session" } as const;
      await approver.decide(run, [requestOf(run), { behavior: "deny", reason: "never", remember }]);
      expect((await fixture.settles(run.run_id)).request.approval_count).toBe(1);
      const denied = (await fixture.journalOf(run.session_id)).filter(
        ({ type }) => type === "tool_call_finished",
      );
      expect(denied).toMatchObject([
        { result: { output: { error: "never", denied: true } } },
        { result: { output: { error: "never", denied: true } } },
      ]);
    });

    test("the input as it was edited, not as it was asked", async () => {
      const run = await fixture.beginWaiting(twice("echo a", "echo edited", "echo a"));
      const remember = { scope: "session" } as const;
      const edited = { ...ALLOW, updated_input: { command: "echo edited" }, remember };
      await approver.decide(run, [requestOf(run), edited]);
      const asked = await fixture.reaches(run.run_id, "waiting_for_approval");
      expect(asked.pending_approvals?.[0]?.input).toEqual({ command: "echo a" });
      await fixture.cancel(run.run_id);
    });

    test.each([
      [{ scope: "session", match: "pattern" }, "needs a pattern"],
      [{ scope: "session", pattern: {} }, "belongs to match 'pattern'"],
      [
        { scope: "session", match: "pattern", pattern: { tool_name_pattern: "write_file" } },
        "does not fit the call",
      ],
      [
        { scope: "run", match: "pattern", pattern: { match: { command: [{ argv: ["rm", "**"] }] } } },
        "does not fit the call",
      ],
      [{ scope: "session", expires_at_ms: 1 }, "has passed"],
    ])("%j is refused: %s", async (remember, why) => {
      const run = await fixture.beginWaiting(twice("echo a"));
      const body = { resolutions: [{ request_id: requestOf(run), behavior: "allow", remember }] };
      expect(await approver.refusal(run, body)).toMatchObject({
        status: 400,
        domain: "approvals",
        code: "approval_remember_invalid",
        detail: expect.stringContaining(why),
      });
      expect((await fixture.run(run.run_id)).status).toBe("waiting_for_approval");
      await fixture.cancel(run.run_id);
    });

    test("01-A1 the same answer remembered otherwise is another answer", async () => {
      const run = await fixture.beginWaiting(twice("echo a"));
      const kept = { ...ALLOW, remember: { scope: "session" as const } };
      await approver.decide(run, [requestOf(run), kept]);
      await approver.decide(run, [requestOf(run), kept]);
      expect((await approver.attempt(run, [requestOf(run), ALLOW])).status).toBe(409);
      expect((await api.call("listSessionRules", at(run.session_id))).rules).toHaveLength(1);
    });

    test("what approvals left behind can be removed, not changed", async () => {
      const run = await fixture.beginWaiting(twice("echo a"));
      await approver.decide(run, [requestOf(run), { ...ALLOW, remember: { scope: "session" } }]);
      const [kept] = (await api.call("listSessionRules", at(run.session_id))).rules;
      const body = { tool_name_pattern: "*", behavior: "allow" };
      const place = own(run.session_id, kept?.rule_id ?? "");
      expect(await api.refusal("setSessionRule", { ...place, body })).toMatchObject({
        status: 409,
        code: "permission_rule_remembered",
      });
    });
  });

  test("03-A5 of the budget's extension nothing can be remembered", async () => {
    const run_budget = {
      scope: { kind: "session", id: await fixture.session() },
      limits: { model_calls: 0 },
    } as const;
    await api.call("setBudget", { params: { budget_id: "none" }, body: run_budget });
    const run = await fixture.submit(run_budget.scope.id, script(say("done")));
    const asked = await fixture.reaches(run.run_id, "waiting_for_approval");
    const body = {
      resolutions: [{ request_id: requestOf(asked), behavior: "allow", remember: { scope: "session" } }],
    };
    expect(await approver.refusal(asked, body)).toMatchObject({ code: "approval_remember_invalid" });
    await fixture.cancel(run.run_id);
    await api.call("deleteBudget", { params: { budget_id: "none" } });
  });
}
