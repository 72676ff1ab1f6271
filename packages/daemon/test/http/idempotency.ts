import { describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ASKING, bash, FIRST_QUESTION, GATED, say, script } from "./support/script.ts";

/** 01-R27. Header values cannot carry most of them. */
const INVALID_KEYS: [string, string][] = [
  ["empty", ""],
  ["blank", "   "],
  ["longer than 256 bytes", "k".repeat(257)],
  ["longer than 256 bytes, though not than 256 characters", "é".repeat(129)],
  ["with a line feed", "a\nb"],
  ["with a NUL", "a\u0000b"],
];

export function idempotency(fixture: Fixture): void {
  const { api } = fixture;
  const under = (key: string) => ({ headers: { "idempotency-key": key } });
  const conflict = { status: 409, domain: "idempotency", code: "idempotency_conflict" };
  const invalid = { status: 400, domain: "idempotency", code: "invalid_idempotency_key" };

  describe("01-R27 the key", () => {
    test.each(INVALID_KEYS)(
      "that is %s is refused, wherever one is taken, and nothing happens",
      async (_what, key) => {
        const run = await fixture.beginWaiting(GATED);
        const [request_id = ""] = run.pending_approval_ids ?? [];
        const resolution = { request_id: FIRST_QUESTION, declined: true };
        await fixture.leavesAlone(run.session_id, async () => {
          const calls = [
            api.refusal("submitRun", { ...at(run.session_id), body: { content: "x", idempotency_key: key } }),
            api.refusal("sessionInput", {
              ...at(run.session_id),
              body: { content: "x", idempotency_key: key },
            }),
            api.refusal("createSession", { body: { session_id: "refused", idempotency_key: key } }),
            api.refusal("resolveRunApprovals", {
              ...of(run.run_id),
              body: { resolutions: [{ request_id, behavior: "allow" }], idempotency_key: key },
            }),
            api.refusal("answerRunQuestion", {
              ...of(run.run_id),
              body: { resolution, idempotency_key: key },
            }),
            api.refusal("cancelRunQuestion", {
              params: { run_id: run.run_id, request_id: resolution.request_id },
              body: { idempotency_key: key },
            }),
          ];
          for (const refused of await Promise.all(calls)) expect(refused).toMatchObject(invalid);
        });
        expect((await api.refusal("getSession", at("refused"))).code).toBe("session_not_found");
        await fixture.cancel(run.run_id);
      },
    );

    test("of the header must be that of the body, if both are there", async () => {
      const session_id = await fixture.session();
      await fixture.leavesAlone(session_id, async () => {
        const body = { content: "x", idempotency_key: "one" };
        expect(await api.refusal("submitRun", { ...at(session_id), body, ...under("other") })).toMatchObject(
          invalid,
        );
        const blank = await api.refusal("submitRun", {
          ...at(session_id),
          body: { content: "x" },
          ...under(""),
        });
        expect(blank).toMatchObject(invalid);
      });
    });

    test("is the same in header and body, and with white space around it", async () => {
      const session_id = await fixture.session();
      const submit = (idempotency_key: string | undefined, header: string | undefined) =>
        api.call("submitRun", {
          ...at(session_id),
          body: {
            content: script(say("once")),
            ...(idempotency_key === undefined ? {} : { idempotency_key }),
          },
          ...(header === undefined ? {} : under(header)),
        });
      const first = await submit(undefined, "k-1");
      for (const [body, header] of [
        ["k-1", undefined],
        ["  k-1\t", undefined],
        ["k-1", "k-1"],
        [" k-1", "k-1"],
      ] as const) {
        expect((await submit(body, header)).run_id).toBe(first.run_id);
      }
      const longest = "k".repeat(256);
      const other = await submit(longest, undefined);
      expect(other.run_id).not.toBe(first.run_id);
      expect((await submit(longest, longest)).run_id).toBe(other.run_id);
    });
  });

  describe("01-R28 a submission under a key", () => {
    test("repeated: 202 with the run as it is now, and nothing is written", async () => {
      const session_id = await fixture.session();
      const call = { ...at(session_id), body: { content: script(say("once")) }, ...under("same") };
      const first = await api.exchange("submitRun", call);
      const run = await fixture.settles(first.answer.run_id);
      await fixture.leavesAlone(session_id, async () => {
        const again = await api.exchange("submitRun", call);
        expect(again.status).toBe(202);
        expect(again.answer).toMatchObject({ run_id: run.run_id, status: "completed", outputs: run.outputs });
      });
    });

    test("repeated with what is default spelled out: the same submission", async () => {
      const session_id = await fixture.session();
      const submit = (more: object) =>
        api.call("submitRun", { ...at(session_id), body: { content: "x", ...more }, ...under("defaults") });
      const { run_id } = await submit({});
      const spelled = { input_items: [], attachments: [], metadata: null, provider: null, binding_keys: [] };
      expect((await submit(spelled)).run_id).toBe(run_id);
    });

    test.each([
      ["content", { content: "y" }],
      ["metadata", { metadata: { a: 1 } }],
      ["route", { provider: "simulator" }],
      ["generation", { generation: { temperature: 1 } }],
      ["reply target", { reply_targets: [{ plugin: "mail", address: null }] }],
      ["requirement", { completion_requirements: [{ type: "workspace_file", path: "a" }] }],
      ["provenance", { actor_id: "eve" }],
      ["binding", { binding_keys: ["b"] }],
    ])("with another %s: 409, and nothing happens", async (_what, difference) => {
      const session_id = await fixture.session();
      const body = { content: "x" };
      await fixture.settles((await api.call("submitRun", { ...at(session_id), body, ...under("k") })).run_id);
      await fixture.leavesAlone(session_id, async () => {
        const other = { ...body, ...difference };
        expect(
          await api.refusal("submitRun", { ...at(session_id), body: other, ...under("k") }),
        ).toMatchObject(conflict);
      });
    });

    test("in another session: another run", async () => {
      const submit = async () =>
        api.call("submitRun", { ...at(await fixture.session()), body: { content: "x" }, ...under("shared") });
      expect((await submit()).run_id).not.toBe((await submit()).run_id);
    });

    test("01-R20 a key whose submission was refused is still free", async () => {
      const session_id = await fixture.session();
      const refused = await api.refusal("submitRun", {
        ...at(session_id),
        body: { content: "" },
        ...under("retry"),
      });
      expect(refused.code).toBe("input_empty");
      const body = { content: script(say("now")) };
      const { run_id } = await api.call("submitRun", { ...at(session_id), body, ...under("retry") });
      expect((await fixture.settles(run_id)).status).toBe("completed");
    });

    test("01-R29 twenty callers at once: one run for all of them", async () => {
      const session_id = await fixture.session();
      const call = { ...at(session_id), body: { content: script(say("once")) }, ...under("rush") };
      const all = await Promise.all(Array.from({ length: 20 }, () => api.call("submitRun", call)));
      expect(new Set(all.map(({ run_id }) => run_id)).size).toBe(1);
      expect(await fixture.runsOf(session_id)).toHaveLength(1);
    });

    test("01-R29 twenty callers at once with different bodies: one run, the others hear of the conflict", async () => {
      const session_id = await fixture.session();
      const replies = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          api.send("POST", `/v1/sessions/${session_id}/runs`, {
            headers: { "content-type": "application/json", "idempotency-key": "rush" },
            body: JSON.stringify({ content: script(say(`number ${index}`)) }),
          }),
        ),
      );
      expect(replies.filter(({ status }) => status === 202)).toHaveLength(1);
      expect(replies.filter(({ status }) => status === 409)).toHaveLength(19);
      expect(await fixture.runsOf(session_id)).toHaveLength(1);
    });
  });

  describe("creation under a key", () => {
    test("repeated without an id: the session of the first call", async () => {
      const body = { thread_id: "t" };
      const first = await api.exchange("createSession", { body, ...under("create") });
      expect(first.status).toBe(201);
      const again = await api.exchange("createSession", { body, ...under("create") });
      expect(again).toMatchObject({
        status: 200,
        answer: { session_id: first.answer.session_id, created: false },
      });
      const other = await api.refusal("createSession", { body: { thread_id: "u" }, ...under("create") });
      expect(other).toMatchObject(conflict);
    });

    test("ten callers at once: one session", async () => {
      const all = await Promise.all(
        Array.from({ length: 10 }, () =>
          api.exchange("createSession", { body: {}, ...under("create-rush") }),
        ),
      );
      expect(new Set(all.map(({ answer }) => answer.session_id)).size).toBe(1);
      expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
    });
  });

  describe("01-R31 03-R34 decisions under a key", () => {
    test("approvals: repeated 202, with another body 409, in a key space of their own", async () => {
      const run = await fixture.beginWaiting(script(bash("true", "false"), say("done")));
      const [first = "", second = ""] = run.pending_approval_ids ?? [];
      const resolve = (request_id: string) => ({
        ...of(run.run_id),
        body: { resolutions: [{ request_id, behavior: "allow" as const }] },
        ...under("decide"),
      });
      const decided = await api.call("resolveRunApprovals", resolve(first));
      expect(decided.pending_approval_ids).toEqual([second]);
      await fixture.leavesAlone(run.session_id, async () => {
        expect(await api.call("resolveRunApprovals", resolve(first))).toEqual(decided);
        expect(await api.refusal("resolveRunApprovals", resolve(second))).toMatchObject(conflict);
      });
      const next = await api.call("submitRun", {
        ...at(run.session_id),
        body: { content: "x" },
        ...under("decide"),
      });
      expect(next.run_id).not.toBe(run.run_id);
      await fixture.quiet(run.session_id);
      expect((await api.call("resolveRunApprovals", resolve(first))).status).toBe("interrupted");
    });

    test("an answer: repeated 202 also when the run is over, with another body 409", async () => {
      const run = await fixture.beginWaiting(ASKING);
      const answer = (option: string) => ({
        ...of(run.run_id),
        body: {
          resolution: {
            request_id: FIRST_QUESTION,
            answers: [{ question_id: "question-1", selected_option_ids: [option] }],
          },
        },
        ...under("answer"),
      });
      await api.call("answerRunQuestion", answer("option-1"));
      await fixture.settles(run.run_id);
      await fixture.leavesAlone(run.session_id, async () => {
        expect((await api.call("answerRunQuestion", answer("option-1"))).status).toBe("completed");
        expect(await api.refusal("answerRunQuestion", answer("option-2"))).toMatchObject(conflict);
      });
    });

    test("a question's cancellation: repeated 200, with another body 409", async () => {
      const run = await fixture.beginWaiting(ASKING);
      const cancel = (justification: string) => ({
        params: { run_id: run.run_id, request_id: FIRST_QUESTION },
        body: { justification },
        ...under("give up"),
      });
      const cancelled = await api.call("cancelRunQuestion", cancel("moot"));
      expect(cancelled.status).toBe("cancelled");
      await fixture.leavesAlone(run.session_id, async () => {
        expect(await api.call("cancelRunQuestion", cancel("moot"))).toEqual(cancelled);
        expect(await api.refusal("cancelRunQuestion", cancel("another"))).toMatchObject(conflict);
      });
    });
  });
}
