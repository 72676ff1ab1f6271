import type { PendingQuestionView } from "@kheish/contract";
import { expect, test } from "vitest";
import { Answerer, answers, COLOUR, SIZES, TWO_QUESTIONS, toldTo } from "./support/answers.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { ASKING, ask, FIRST_QUESTION, say, script } from "./support/script.ts";

/** Asks one question and ends with what it was told. */
const ECHOING = script(ask("Which?"), say("{{last_tool_output}}"));

export function questions(fixture: Fixture): void {
  const { api } = fixture;
  const answerer = new Answerer(api);

  test("03-R37 a question makes the run wait, and everybody can see for what", async () => {
    const run = await fixture.beginWaiting(TWO_QUESTIONS);
    const { session_id, agent_id, run_id, pending_questions: [request] = [] } = run;
    if (request === undefined) throw new Error("the run waits for no question");
    expect(run).toMatchObject({
      status: "waiting_for_user_question",
      pending_question_ids: [FIRST_QUESTION],
      request: { question_count: 1 },
    });
    expect(request).toMatchObject({
      id: FIRST_QUESTION,
      tool_call_id: "sim-0-0",
      questions: [
        { id: "question-1", header: "Question 1", multi_select: false },
        { id: "question-2", header: "Sizes", multi_select: true },
      ],
    });
    const view: PendingQuestionView = {
      session_id,
      agent_id,
      run_id,
      run_kind: "input",
      requester_project_ids: [],
      requester_channel_ids: [],
      parent_project_ids: [],
      parent_channel_ids: [],
      request,
    };
    expect(await api.call("listSessionQuestions", at(session_id))).toEqual([view]);
    expect(await api.call("listQuestions", { query: { session_id } })).toEqual([view]);
    expect(await api.call("listQuestions")).toContainEqual(view);
    const { snapshot } = await api.call("getSession", at(session_id));
    expect(snapshot).toMatchObject({
      agent: { status: "waiting_for_user_input" },
      pending_questions: [request],
    });
    const moves = await api.call("runEvents", of(run_id));
    expect(moves.at(-1)?.event).toEqual({
      type: "waiting_for_user_question",
      request_ids: [FIRST_QUESTION],
      requests: [request],
    });
    await fixture.cancel(run_id);
    expect(await api.call("listSessionQuestions", at(session_id))).toEqual([]);
  });

  test("03-R39 an answer with options and words: the model reads both, and the same run goes on", async () => {
    const run = await fixture.beginWaiting(TWO_QUESTIONS);
    const { resolution } = answers({ ...COLOUR, freeform_answer: "dark" }, SIZES);
    const answered = await api.exchange("answerRunQuestion", {
      ...of(run.run_id),
      body: { resolution: { ...resolution, justification: "as last year" } },
    });
    expect(answered).toMatchObject({ status: 202, answer: { run_id: run.run_id } });
    const done = await fixture.settles(run.run_id);
    expect(done).toMatchObject({ status: "completed", kind: "user_question_resume" });
    expect(toldTo(done)).toMatchObject({
      request_id: FIRST_QUESTION,
      declined: false,
      summary: "Which colour?: Red\nWhich sizes?: S, L",
      answers: [
        { question_id: "question-1", freeform_answer: "dark", selected_option_ids: ["option-1"] },
        { question_id: "question-2", selected_options: [{ label: "S" }, { label: "L" }] },
      ],
      justification: "as last year",
    });
  });

  test("03-R39 an answer in words alone", async () => {
    const run = await fixture.beginWaiting(ECHOING);
    await answerer.answer(run, { question_id: "question-1", freeform_answer: "neither" });
    expect(toldTo(await fixture.settles(run.run_id))).toMatchObject({ summary: "Which?: neither" });
  });

  test("03, Rendered tool result: of a question that is declined the model reads that and why", async () => {
    const run = await fixture.beginWaiting(ECHOING);
    const resolution = { request_id: FIRST_QUESTION, declined: true, justification: "ask somebody else" };
    await api.call("answerRunQuestion", { ...of(run.run_id), body: { resolution } });
    expect(toldTo(await fixture.settles(run.run_id))).toEqual(resolution);
  });

  test("01-R25 an answer by the session is answered when the run is at rest", async () => {
    const { session_id } = await fixture.beginWaiting(ASKING);
    const call = { ...at(session_id), body: answers(COLOUR) };
    const settled = await api.exchange("answerSessionQuestion", call);
    expect(settled).toMatchObject({
      status: 200,
      answer: { snapshot: { last_assistant_message: "went on" } },
    });
    const idle = await api.refusal("answerSessionQuestion", call);
    expect(idle).toMatchObject({ status: 409, domain: "runs", code: "run_state_conflict" });
  });
}
