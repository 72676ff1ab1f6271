import { describe, expect, test } from "vitest";
import { answers, COLOUR, cancellation } from "./support/answers.ts";
import { ALLOW, batch, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { GATED, say, script } from "./support/script.ts";

/** 01-R27. Headers cannot carry most of them. */
const INVALID_KEYS: [what: string, key: string][] = [
  ["empty", ""],
  ["blank", "   "],
  ["longer than 256 bytes", "k".repeat(257)],
  ["longer than 256 bytes, though not than 256 characters", "é".repeat(129)],
  ["with a line feed", "a\nb"],
  ["with a NUL", "a\u0000b"],
];
const INVALID = { status: 400, domain: "idempotency", code: "invalid_idempotency_key" };
const CONFLICT = { status: 409, domain: "idempotency", code: "idempotency_conflict" };

const under = (key: string) => ({ headers: { "idempotency-key": key } });

export function idempotency(fixture: Fixture): void {
  const { api } = fixture;

  describe("01-R27 the key", () => {
    test.each(INVALID_KEYS)("that is %s is refused wherever one is taken", async (_what, idempotency_key) => {
      const run = await fixture.beginWaiting(GATED);
      const input = { ...at(run.session_id), body: { content: "x", idempotency_key } };
      const decision = { ...batch([requestOf(run), ALLOW]), idempotency_key };
      await fixture.leavesAlone(run.session_id, async () => {
        const refusals = [
          api.refusal("submitRun", input),
          api.refusal("sessionInput", input),
          api.refusal("createSession", { body: { session_id: "refused", idempotency_key } }),
          api.refusal("resolveRunApprovals", { ...of(run.run_id), body: decision }),
          api.refusal("answerRunQuestion", {
            ...of(run.run_id),
            body: { ...answers(COLOUR), idempotency_key },
          }),
          api.refusal("cancelRunQuestion", { ...cancellation(run), body: { idempotency_key } }),
        ];
        for (const refused of await Promise.all(refusals)) expect(refused).toMatchObject(INVALID);
      });
      expect((await api.refusal("getSession", at("refused"))).code).toBe("session_not_found");
      await fixture.cancel(run.run_id);
    });

    test("of the header must be that of the body, if both are there, and not be blank", async () => {
      const session_id = await fixture.session();
      const body = { content: "x", idempotency_key: "one" };
      await fixture.leavesAlone(session_id, async () => {
        const other = await api.refusal("submitRun", { ...at(session_id), body, ...under("other") });
        expect(other).toMatchObject(INVALID);
        const blank = await api.refusal("submitRun", { ...at(session_id), body, ...under("") });
        expect(blank).toMatchObject(INVALID);
      });
    });

    test("is the same in header and body, with and without white space around it", async () => {
      const session_id = await fixture.session();
      const submit = (key: { body?: string; header?: string }) =>
        api.call("submitRun", {
          ...at(session_id),
          body: { content: "x", ...(key.body === undefined ? {} : { idempotency_key: key.body }) },
          ...(key.header === undefined ? {} : under(key.header)),
        });
      const { run_id } = await submit({ header: "key" });
      for (const key of [{ body: "key" }, { body: " key\t" }, { body: " key", header: "key" }]) {
        expect((await submit(key)).run_id).toBe(run_id);
      }
      const longest = "k".repeat(256);
      const other = await submit({ body: longest });
      expect(other.run_id).not.toBe(run_id);
      expect((await submit({ body: longest, header: longest })).run_id).toBe(other.run_id);
    });
  });

  describe("01-R28 a submission under a key", () => {
    test("repeated: 202 with the run as it is now, and nothing is written", async () => {
      const session_id = await fixture.session();
      const call = { ...at(session_id), body: { content: script(say("once")) }, ...under("same") };
      const { run_id } = await api.call("submitRun", call);
      const run = await fixture.settles(run_id);
      await fixture.leavesAlone(session_id, async () => {
        const again = await api.exchange("submitRun", call);
        expect(again.status).toBe(202);
        expect(again.answer).toMatchObject({ run_id, status: "completed", outputs: run.outputs });
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
      const call = { ...at(session_id), body: { content: "x" }, ...under("key") };
      await fixture.settles((await api.call("submitRun", call)).run_id);
      await fixture.leavesAlone(session_id, async () => {
        const refused = await api.refusal("submitRun", { ...call, body: { ...call.body, ...difference } });
        expect(refused).toMatchObject(CONFLICT);
      });
    });

    test("in another session: another run", async () => {
      const submit = async () => {
        const session_id = await fixture.session();
        return api.call("submitRun", { ...at(session_id), body: { content: "x" }, ...under("shared") });
      };
      expect((await submit()).run_id).not.toBe((await submit()).run_id);
    });

    test("01-R20 that was refused leaves the key free", async () => {
      const call = { ...at(await fixture.session()), ...under("retry") };
      const refused = await api.refusal("submitRun", { ...call, body: { content: "" } });
      expect(refused.code).toBe("input_empty");
      const { run_id } = await api.call("submitRun", { ...call, body: { content: "now" } });
      expect((await fixture.settles(run_id)).status).toBe("completed");
    });

    test("01-R29 by twenty callers at once: one run for all of them", async () => {
      const session_id = await fixture.session();
      const call = { ...at(session_id), body: { content: "x" }, ...under("rush") };
      const all = await Promise.all(Array.from({ length: 20 }, () => api.call("submitRun", call)));
      expect(new Set(all.map(({ run_id }) => run_id)).size).toBe(1);
      expect(await fixture.runsOf(session_id)).toHaveLength(1);
    });

    test("01-R29 by twenty callers with something else each: one run, the others hear of the conflict", async () => {
      const session_id = await fixture.session();
      const { headers } = under("rush");
      const replies = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          api.post(`/v1/sessions/${session_id}/runs`, { content: `number ${index}` }, headers),
        ),
      );
      expect(replies.filter(({ status }) => status === 202)).toHaveLength(1);
      expect(replies.filter(({ status }) => status === 409)).toHaveLength(19);
      expect(await fixture.runsOf(session_id)).toHaveLength(1);
    });
  });

  describe("a creation under a key", () => {
    test("repeated without an id: the session of the first call", async () => {
      const call = { body: { thread_id: "t" }, ...under("create") };
      const first = await api.exchange("createSession", call);
      expect(first.status).toBe(201);
      const again = await api.exchange("createSession", call);
      const { session_id } = first.answer;
      expect(again).toMatchObject({ status: 200, answer: { session_id, created: false } });
      const other = await api.refusal("createSession", { ...call, body: { thread_id: "u" } });
      expect(other).toMatchObject(CONFLICT);
    });

    test("by ten callers at once: one session", async () => {
      const call = { body: {}, ...under("create-rush") };
      const all = await Promise.all(Array.from({ length: 10 }, () => api.exchange("createSession", call)));
      expect(new Set(all.map(({ answer }) => answer.session_id)).size).toBe(1);
      expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
    });
  });
}
