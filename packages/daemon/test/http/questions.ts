import type { PendingQuestionView, QuestionAnswer, RunView, UserQuestionResolution } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { type OpenStore, useDaemon } from "./fixture.ts";
import { ASKING, ask, ENDLESS, GATED, say, script, use } from "./script.ts";

const REQUEST = "question-request-sim-0-0";
type Answer = Partial<QuestionAnswer> & { question_id: string };

/** Two questions; the second takes several options. */
const TWO = script(
  use("ask_user_question", {
    questions: [
      { question: "Which colour?", options: [{ label: "Red" }, { label: "Blue" }] },
      {
        question: "Which sizes?",
        header: "Sizes",
        multi_select: true,
        options: [{ label: "S" }, { label: "M" }, { label: "L" }],
      },
    ],
  }),
  say("{{last_tool_output}}"),
);
const COLOUR = { question_id: "question-1", selected_option_ids: ["option-1"] };
const SIZES = { question_id: "question-2", selected_option_ids: ["option-1", "option-3"] };

/** 03-R38: what is wrong, in the order in which it is looked for. Each also breaks rules that come later. */
const INVALID: { what: string; resolution: Partial<UserQuestionResolution>; code: string }[] = [
  {
    what: "another request",
    resolution: { request_id: "question-request-sim-9-9", declined: true, answers: [] },
    code: "question_request_mismatch",
  },
  {
    what: "declined, and answered twice",
    resolution: { declined: true, answers: [COLOUR, COLOUR] as QuestionAnswer[] },
    code: "question_declined_with_answers",
  },
  {
    what: "one question twice, and another not at all",
    resolution: { answers: [COLOUR, COLOUR] },
    code: "question_duplicate_answer",
  },
  {
    what: "the first question not at all, and the second with an unknown option",
    resolution: { answers: [{ ...SIZES, selected_option_ids: ["option-9"] }] },
    code: "question_answer_missing",
  },
  {
    what: "two options where one is asked for, both unknown",
    resolution: { answers: [{ ...COLOUR, selected_option_ids: ["option-8", "option-9"] }, SIZES] },
    code: "question_single_select_violation",
  },
  {
    what: "an unknown option twice",
    resolution: { answers: [COLOUR, { ...SIZES, selected_option_ids: ["option-9", "option-9"] }] },
    code: "question_duplicate_option",
  },
  {
    what: "an unknown option",
    resolution: { answers: [COLOUR, { ...SIZES, selected_option_ids: ["option-1", "option-9"] }] },
    code: "question_option_not_found",
  },
  {
    what: "neither an option nor words, and an unknown question",
    resolution: {
      answers: [
        COLOUR,
        { ...SIZES, selected_option_ids: [], freeform_answer: "  " },
        { ...COLOUR, question_id: "question-3" },
      ],
    },
    code: "question_answer_empty",
  },
  {
    what: "an unknown question beside the known ones",
    resolution: { answers: [COLOUR, SIZES, { ...COLOUR, question_id: "question-3" }] },
    code: "question_unknown_answer",
  },
];

export function questions(openStore: OpenStore): void {
  const fixture = useDaemon(openStore);
  const { api } = fixture;
  const at = (session_id: string) => ({ params: { session_id } });
  const of = (run_id: string) => ({ params: { run_id } });
  const resolve = (...answers: Answer[]) => ({ resolution: { request_id: REQUEST, answers } });
  const answer = (run: RunView, ...answers: Answer[]) =>
    api.call("answerRunQuestion", { ...of(run.run_id), body: resolve(...answers) });
  const refused = (run: RunView, body: unknown) =>
    api.refusal("answerRunQuestion", { ...of(run.run_id), body });
  const cancel = (run: RunView, request_id = REQUEST, body?: object) => ({
    params: { run_id: run.run_id, request_id },
    ...(body === undefined ? {} : { body }),
  });

  describe("03-R37 a question", () => {
    test("makes the run wait, and everybody can see for what", async () => {
      const run = await fixture.beginWaiting(TWO);
      const [request] = run.pending_questions ?? [];
      expect(run).toMatchObject({
        status: "waiting_for_user_question",
        pending_question_ids: [REQUEST],
        request: { question_count: 1 },
      });
      expect(request).toMatchObject({
        id: REQUEST,
        tool_call_id: "sim-0-0",
        questions: [
          { id: "question-1", header: "Question 1", multi_select: false },
          { id: "question-2", header: "Sizes", multi_select: true },
        ],
      });
      const view: PendingQuestionView = {
        session_id: run.session_id,
        agent_id: run.agent_id,
        run_id: run.run_id,
        run_kind: "input",
        requester_project_ids: [],
        requester_channel_ids: [],
        parent_project_ids: [],
        parent_channel_ids: [],
        request: request ?? { id: "", tool_call_id: "", questions: [], created_at_ms: 0 },
      };
      expect(await api.call("listSessionQuestions", at(run.session_id))).toEqual([view]);
      expect(await api.call("listQuestions", { query: { session_id: run.session_id } })).toEqual([view]);
      expect(await api.call("listQuestions")).toContainEqual(view);
      expect((await api.call("getSession", at(run.session_id))).snapshot).toMatchObject({
        agent: { status: "waiting_for_user_input" },
        pending_questions: [request],
      });
      const moves = await api.call("runEvents", of(run.run_id));
      expect(moves.at(-1)?.event).toEqual({
        type: "waiting_for_user_question",
        request_ids: [REQUEST],
        requests: [request],
      });
      await api.call("cancelRun", of(run.run_id));
      expect(await api.call("listSessionQuestions", at(run.session_id))).toEqual([]);
    });
  });

  describe("an answer", () => {
    test("03-R39 with options and words: the model reads both, and the same run goes on", async () => {
      const run = await fixture.beginWaiting(TWO);
      const answered = await api.exchange("answerRunQuestion", {
        ...of(run.run_id),
        body: {
          resolution: {
            request_id: REQUEST,
            answers: [{ ...COLOUR, freeform_answer: "dark" }, SIZES],
            justification: "as last year",
          },
        },
      });
      expect(answered).toMatchObject({ status: 202, answer: { run_id: run.run_id } });
      const done = await fixture.settles(run.run_id);
      expect(done).toMatchObject({ status: "completed", kind: "user_question_resume" });
      expect(JSON.parse(done.outputs?.[0]?.content ?? "")).toMatchObject({
        request_id: REQUEST,
        declined: false,
        summary: "Which colour?: Red\nWhich sizes?: S, L",
        answers: [
          { question_id: "question-1", freeform_answer: "dark", selected_option_ids: ["option-1"] },
          { question_id: "question-2", selected_options: [{ label: "S" }, { label: "L" }] },
        ],
        justification: "as last year",
      });
    });

    test("03-R39 in words alone", async () => {
      const run = await fixture.beginWaiting(script(ask("Which?"), say("{{last_tool_output}}")));
      await answer(run, { question_id: "question-1", freeform_answer: "neither" });
      const done = await fixture.settles(run.run_id);
      expect(JSON.parse(done.outputs?.[0]?.content ?? "")).toMatchObject({ summary: "Which?: neither" });
    });

    test("declined: the model reads that and why", async () => {
      const run = await fixture.beginWaiting(script(ask("Which?"), say("{{last_tool_output}}")));
      const resolution = { request_id: REQUEST, declined: true, justification: "ask somebody else" };
      await api.call("answerRunQuestion", { ...of(run.run_id), body: { resolution } });
      const done = await fixture.settles(run.run_id);
      expect(JSON.parse(done.outputs?.[0]?.content ?? "")).toEqual({ ...resolution, request_id: REQUEST });
    });

    test("by the session: answers when the run is at rest", async () => {
      const run = await fixture.beginWaiting(ASKING);
      const view = await api.exchange("answerSessionQuestion", {
        ...at(run.session_id),
        body: resolve(COLOUR),
      });
      expect(view).toMatchObject({
        status: 200,
        answer: { snapshot: { last_assistant_message: "went on" } },
      });
      const idle = await api.refusal("answerSessionQuestion", {
        ...at(run.session_id),
        body: resolve(COLOUR),
      });
      expect(idle).toMatchObject({ status: 409, domain: "runs", code: "run_state_conflict" });
    });
  });

  describe("03-R38 an answer that is wrong is refused, and the run waits on", () => {
    test.each(INVALID)("$what: $code", async ({ resolution, code }) => {
      const run = await fixture.beginWaiting(TWO);
      await fixture.leavesAlone(run.session_id, async () => {
        const body = { resolution: { request_id: REQUEST, ...resolution } };
        expect(await refused(run, body)).toMatchObject({ status: 400, domain: "questions", code });
      });
      await answer(run, COLOUR, SIZES);
      expect((await fixture.settles(run.run_id)).status).toBe("completed");
    });
  });

  describe("01-A1 in another state", () => {
    test.each([
      ["runs", ENDLESS, "running"],
      ["waits for an approval", GATED, "waiting_for_approval"],
    ] as const)("a run that %s: 409 questions/question_state_conflict", async (_what, content, status) => {
      const { run_id } = await fixture.begin(content);
      const run = await fixture.reaches(run_id, status);
      const conflict = { status: 409, domain: "questions", code: "question_state_conflict" };
      expect(await refused(run, resolve(COLOUR))).toMatchObject(conflict);
      expect(await api.refusal("cancelRunQuestion", cancel(run))).toMatchObject(conflict);
      await api.call("cancelRun", of(run_id));
    });

    test.each(["queued", "completed"])("a run that is %s: 409 runs/run_state_conflict", async (state) => {
      const session_id = await fixture.session();
      if (state === "queued") await fixture.submit(session_id, ASKING);
      const run = await fixture.submit(session_id, script(say("hello")));
      if (state === "completed") await fixture.settles(run.run_id);
      const conflict = { status: 409, domain: "runs", code: "run_state_conflict" };
      expect(await refused(run, resolve(COLOUR))).toMatchObject(conflict);
      expect(await api.refusal("cancelRunQuestion", cancel(run))).toMatchObject(conflict);
    });

    test("answered already: the same again is 202 and writes nothing, another is 409", async () => {
      const run = await fixture.beginWaiting(ASKING);
      await answer(run, COLOUR);
      await fixture.settles(run.run_id);
      await fixture.leavesAlone(run.session_id, async () => {
        expect((await answer(run, COLOUR)).status).toBe("completed");
        const other = resolve({ ...COLOUR, selected_option_ids: ["option-2"] });
        expect(await refused(run, other)).toMatchObject({
          status: 409,
          domain: "questions",
          code: "question_resolution_conflict",
        });
      });
    });

    test("two callers with different answers: one of them counts, 25 times over", async () => {
      const session_id = await fixture.session();
      for (let race = 0; race < 25; race++) {
        const { run_id } = await fixture.submit(
          session_id,
          script(ask("Which?"), say("{{last_tool_output}}")),
        );
        await fixture.reaches(run_id, "waiting_for_user_question");
        const options = ["option-1", "option-2"];
        const replies = await Promise.all(
          options.map((option) =>
            api.send("POST", `/v1/runs/${run_id}/questions`, {
              headers: { "content-type": "application/json" },
              body: JSON.stringify(resolve({ ...COLOUR, selected_option_ids: [option] })),
            }),
          ),
        );
        expect(replies.map(({ status }) => status).toSorted()).toEqual([202, 409]);
        const won = options[replies.findIndex(({ status }) => status === 202)];
        const lost = replies.find(({ status }) => status === 409);
        expect(JSON.parse(lost?.text ?? "")).toMatchObject({ code: "question_resolution_conflict" });
        const { outputs } = await fixture.settles(run_id);
        const told = JSON.parse(outputs?.[0]?.content ?? "") as {
          answers: { selected_option_ids: string[] }[];
        };
        expect(told.answers[0]?.selected_option_ids).toEqual([won]);
      }
    });
  });

  describe("cancelling a question", () => {
    test("cancels the run that waits for it, and says why", async () => {
      const run = await fixture.beginWaiting(ASKING);
      const next = await fixture.submit(run.session_id, script(say("next")));
      const cancelled = await api.exchange(
        "cancelRunQuestion",
        cancel(run, REQUEST, { justification: "moot" }),
      );
      expect(cancelled).toMatchObject({ status: 200, answer: { run_id: run.run_id, status: "cancelled" } });
      expect(cancelled.answer.error).toMatch(/moot/);
      expect((await fixture.settles(next.run_id)).status).toBe("completed");
      expect(await refused(run, resolve(COLOUR))).toMatchObject({ status: 409, code: "run_state_conflict" });
    });

    test("03-R41 with the id of another: 400, and the run waits on", async () => {
      const run = await fixture.beginWaiting(ASKING);
      await fixture.leavesAlone(run.session_id, async () => {
        const other = await api.refusal("cancelRunQuestion", cancel(run, "question-request-other"));
        expect(other).toMatchObject({ status: 400, domain: "questions", code: "question_request_mismatch" });
      });
    });
  });

  describe("01-R94 03-R40 expiry", () => {
    test("cancels the run, names the request and its deadline, and takes no answer any more", async () => {
      const content = script(ask("Quick!", { expires_after_ms: 150 }), say("never"));
      const { run_id, session_id } = await fixture.begin(content);
      const run = await fixture.settles(run_id);
      const [asked] = (await api.call("runEvents", of(run_id))).flatMap(({ event }) =>
        event.type === "waiting_for_user_question" ? event.requests : [],
      );
      const deadline = asked?.expires_at_ms ?? 0;
      expect(deadline - (asked?.created_at_ms ?? 0)).toBeGreaterThan(100);
      expect(run.status).toBe("cancelled");
      expect(run.error).toContain(REQUEST);
      expect(run.error).toContain(new Date(deadline).toISOString());
      expect(run.finished_at_ms).toBeGreaterThanOrEqual(deadline);
      expect(await refused(run, resolve(COLOUR))).toMatchObject({
        status: 409,
        domain: "questions",
        code: "question_expired",
      });
      expect(await api.call("listSessionQuestions", at(session_id))).toEqual([]);
    });

    test("does not touch what was answered in time", async () => {
      const content = script(ask("Quick!", { expires_after_ms: 300 }), { delay_ms: 500, text: "in time" });
      const { run_id } = await fixture.begin(content);
      const run = await fixture.reaches(run_id, "waiting_for_user_question");
      await answer(run, COLOUR);
      expect(await fixture.settles(run_id)).toMatchObject({
        status: "completed",
        outputs: [{ content: "in time" }],
      });
    });
  });
}
