import { describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ENDLESS, GATED, say, script, use } from "./support/script.ts";

/** Any string may be an id, as long as it is percent-encoded in paths. */
const ODD_IDS = [
  "a/b é",
  "..x",
  "...",
  "%",
  "%2F",
  "a?b#c&d=e",
  "🦉",
  "new\u00a0line+",
  "x".repeat(500),
  " white space around ",
  "a\u0000b\u0001c",
  "line\nbreak",
];

export function sessions(fixture: Fixture): void {
  const { api } = fixture;

  describe("creation", () => {
    test("01-R12 01-A6 an unknown id creates (201), a known one answers the same session (200)", async () => {
      const first = await api.exchange("createSession", { body: { session_id: "twice", thread_id: "t-1" } });
      expect(first.status).toBe(201);
      expect(first.answer).toMatchObject({
        session_id: "twice",
        created: true,
        queued_run_count: 0,
        outputs: [],
        snapshot: {
          agent: { status: "idle", parent: null, conversation: { session_id: "twice", thread_id: "t-1" } },
          pending_approvals: [],
          pending_questions: [],
          last_assistant_message: null,
          last_error: null,
        },
      });

      const again = await api.exchange("createSession", { body: { session_id: "twice" } });
      expect(again.status).toBe(200);
      expect(again.answer).toEqual({ ...first.answer, created: false });
      expect(await api.call("getSession", at("twice"))).toEqual(
        Object.fromEntries(Object.entries(first.answer).filter(([name]) => name !== "created")),
      );
    });

    test("01-R12 without an id the daemon makes one up, another each time", async () => {
      const one = await api.call("createSession", { body: {} });
      const other = await api.call("createSession", { body: {} });
      expect(one.created && other.created).toBe(true);
      expect(one.session_id).not.toBe(other.session_id);
      expect(one.agent_id).not.toBe(other.agent_id);
    });

    test("01-R12 a scope that differs from what is stored is a conflict, whichever way it is written", async () => {
      const capability_scope = {
        skill_allow: ["b", " a ", "b", ""],
        mcp_tool_deny: ["x", "*"],
        skill_deny: [],
      };
      const credential_scope = { connector_allow: ["mail"] };
      const session_id = await fixture.session({ capability_scope, credential_scope });
      const normal = { skill_allow: ["a", "b"], mcp_tool_deny: ["*"] };
      expect(await api.call("getSession", at(session_id))).toMatchObject({
        capability_scope: normal,
        effective_capability_scope: normal,
        credential_scope,
        effective_credential_scope: credential_scope,
      });

      await fixture.leavesAlone(session_id, async () => {
        for (const same of [{ capability_scope: normal }, { capability_scope, credential_scope }, {}]) {
          const reused = await api.exchange("createSession", { body: { session_id, ...same } });
          expect(reused.status).toBe(200);
        }
        for (const other of [
          { capability_scope: { skill_allow: ["a"] } },
          { capability_scope: {} },
          { capability_scope, credential_scope: { connector_allow: ["mail", "chat"] } },
        ]) {
          const refused = await api.refusal("createSession", { body: { session_id, ...other } });
          expect(refused).toMatchObject({ status: 409, code: "conflict" });
        }
      });
    });

    test("01-R12 the thread id is never compared", async () => {
      const session_id = await fixture.session({ thread_id: "one" });
      const reused = await api.call("createSession", { body: { session_id, thread_id: "other" } });
      expect(reused.snapshot.agent.conversation.thread_id).toBe("one");
    });

    test("01-R12 twenty callers at once create one session", async () => {
      const all = await Promise.all(
        Array.from({ length: 20 }, () => api.exchange("createSession", { body: { session_id: "rush" } })),
      );
      expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(new Set(all.map(({ answer }) => answer.agent_id)).size).toBe(1);
    });

    test.each(["", "  ", ".", ".."])("an id must be more than '%s'", async (session_id) => {
      const refused = await api.refusal("createSession", { body: { session_id } });
      expect(refused).toMatchObject({ status: 400, domain: "sessions", code: "session_id_invalid" });
    });

    test("01-R13 a refused creation leaves the id free", async () => {
      const refused = await api.refusal("createSession", {
        body: { session_id: "free", persona_id: "nobody" },
      });
      expect(refused).toMatchObject({ status: 404, domain: "personas", code: "persona_not_found" });
      expect(await api.refusal("getSession", at("free"))).toMatchObject({ code: "session_not_found" });
      const created = await api.exchange("createSession", { body: { session_id: "free" } });
      expect(created.status).toBe(201);
    });
  });

  test("01-R15 a persona that is not there cannot be bound; clearing what was never bound is no error", async () => {
    const session_id = await fixture.session();
    const body = { persona_id: "nobody" };
    for (const endpoint of ["postPersona", "putPersona"] as const) {
      const refused = await api.refusal(endpoint, { ...at(session_id), body });
      expect(refused).toMatchObject({ status: 404, domain: "personas", code: "persona_not_found" });
    }
    expect((await api.call("deletePersona", at(session_id))).session_id).toBe(session_id);
    const busy = await fixture.submit(session_id, ENDLESS);
    for (const endpoint of ["putPersona", "deletePersona"] as const) {
      const refused = await api.refusal(endpoint, {
        ...at(session_id),
        ...(endpoint === "putPersona" && { body }),
      });
      expect(refused).toMatchObject({ status: 409, code: "session_not_idle" });
    }
    await fixture.cancel(busy.run_id);
  });

  describe("odd ids", () => {
    test.each(ODD_IDS)("01, HTTP, Base: '%s' is one path segment", async (session_id) => {
      expect((await api.exchange("createSession", { body: { session_id } })).status).toBe(201);
      expect((await api.call("getSession", at(session_id))).session_id).toBe(session_id);
      const view = await api.call("sessionInput", {
        ...at(session_id),
        body: { content: script(say("hello")) },
      });
      expect(view.outputs).toMatchObject([{ session_id, content: "hello" }]);
      expect(await fixture.runsOf(session_id)).toMatchObject([{ session_id, status: "completed" }]);
      const log = await api.call("sessionEvents", at(session_id));
      expect(log.session.session_id).toBe(session_id);
      const stream = await fixture.stream("sessionStream", {
        ...at(session_id),
        query: { snapshot: "true" },
      });
      expect((await stream.next())?.data).toMatchObject({ type: "session_snapshot", session_id });
      const ended = await api.call("endSession", { ...at(session_id), body: {} });
      expect(ended.session_id).toBe(session_id);
    });
  });

  describe("views", () => {
    test("01-R14 a session without any run is listed and readable", async () => {
      const session_id = await fixture.session();
      const listed = await api.call("listSessions");
      expect(listed).toContainEqual(
        expect.objectContaining({ session_id, status: "idle", pending_approvals: 0 }),
      );
      expect(await fixture.runsOf(session_id)).toEqual([]);
      expect((await fixture.journalOf(session_id)).map(({ type }) => type)).toEqual(["session_created"]);
    });

    test("the view shows what the session is about, in each of its states", async () => {
      const waiting = await fixture.beginWaiting(GATED);
      const { session_id, run_id } = waiting;
      await fixture.submit(session_id, script(say("next")));
      const view = await api.call("getSession", at(session_id));
      expect(view).toMatchObject({
        active_run_id: run_id,
        queued_run_count: 1,
        snapshot: { agent: { status: "waiting_for_approval" }, pending_approvals: waiting.pending_approvals },
      });
      const listed = await api.call("listSessions");
      expect(listed).toContainEqual(
        expect.objectContaining({
          session_id,
          status: "waiting_for_approval",
          pending_approvals: 1,
          pending_questions: 0,
          active_run_id: run_id,
          queued_run_count: 1,
        }),
      );
      await fixture.quiet(session_id);
      expect((await api.call("getSession", at(session_id))).snapshot.pending_approvals).toEqual([]);
    });

    test("the view sums up what the session has used", async () => {
      const session_id = await fixture.session();
      const turn = { ...use("noop", {}), usage: { input_tokens: 10, output_tokens: 2 } };
      const last = { text: "done", usage: { input_tokens: 20, output_tokens: 3 } };
      for (let runs = 0; runs < 2; runs++) await fixture.finish(session_id, script(turn, last));
      const { usage } = await api.call("getSession", at(session_id));
      expect(usage).toMatchObject({ input_tokens: 60, output_tokens: 10, model_calls: 4, tool_calls: 2 });
    });

    test("01-R53 the event log has the runs' events in the order of the journal, also page by page", async () => {
      const session_id = await fixture.session();
      const one = await fixture.finish(session_id, script(say("one")));
      const two = await fixture.finish(session_id, script(say("two")));
      const log = await api.call("sessionEvents", at(session_id));
      expect(log.run_events.map(({ run_id, event }) => [run_id, event.type])).toEqual(
        [one.run_id, two.run_id].flatMap((run_id) =>
          ["accepted", "started", "output", "completed"].map((type) => [run_id, type]),
        ),
      );
      const seqs = log.run_events.map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
      expect(log.daemon_outputs.map(({ content }) => content)).toEqual(["one", "two"]);
      expect(log.session.journal.map(({ event }) => event.type)).toEqual([
        "session_created",
        "input_received",
        "message_appended",
        "input_received",
        "message_appended",
      ]);

      const paged = { journal: [] as unknown[], run_events: [] as unknown[] };
      for (let after: number | undefined = 0; after !== undefined; ) {
        const query = { after_offset: String(after), limit: "3" };
        const page: typeof log = await api.call("sessionEvents", { ...at(session_id), query });
        paged.journal.push(...page.session.journal);
        paged.run_events.push(...page.run_events);
        after = page.next_offset;
      }
      expect(paged).toEqual({ journal: log.session.journal, run_events: log.run_events });
    });
  });
}
