import { expect, test } from "vitest";
import { Answerer, answers, COLOUR, cancellation, OTHER_COLOUR, toldTo } from "./support/answers.ts";
import { problemIn } from "./support/client.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { ASKING, ask, FIRST_QUESTION, IN_TIME_MS, say, script } from "./support/script.ts";

const RACES = 25;
const FEWER_RACES = 10;

export function questionEndings(fixture: Fixture): void {
  const { api } = fixture;
  const answerer = new Answerer(api);

  test(`two callers with different answers: one of them counts, ${RACES} times over`, async () => {
    const session_id = await fixture.session();
    for (let race = 0; race < RACES; race++) {
      const content = script(ask("Which?"), say("{{last_tool_output}}"));
      const { run_id } = await fixture.submit(session_id, content);
      const run = await fixture.reaches(run_id, "waiting_for_user_question");
      const sides = [COLOUR, OTHER_COLOUR];
      const replies = await Promise.all(sides.map((side) => answerer.attempt(run, side)));
      expect(replies.map(({ status }) => status).toSorted()).toEqual([202, 409]);
      const winner = replies.findIndex(({ status }) => status === 202);
      const [lost] = replies.filter((_, side) => side !== winner);
      expect(lost && problemIn(lost, "the loser")).toMatchObject({ code: "question_resolution_conflict" });
      const told = toldTo(await fixture.settles(run_id));
      expect(told.answers[0]?.selected_option_ids).toEqual(sides[winner]?.selected_option_ids);
    }
  });

  test("two callers of whom one cancels: the run is answered or cancelled, as they are told", async () => {
    for (let race = 0; race < FEWER_RACES; race++) {
      const run = await fixture.beginWaiting(ASKING);
      const [answered, cancelled] = await Promise.all([
        answerer.attempt(run, COLOUR),
        api.post(`/v1/runs/${run.run_id}/questions/${FIRST_QUESTION}/cancel`, {}),
      ]);
      const { status } = await fixture.settles(run.run_id);
      if (status === "completed") expect([answered.status, cancelled.status]).toEqual([202, 409]);
      else expect([answered.status, cancelled.status, status]).toEqual([409, 200, "cancelled"]);
    }
  });

  test("03 a cancelled question cancels the run that waits for it, says why, and frees the session", async () => {
    const run = await fixture.beginWaiting(ASKING);
    const next = await fixture.submit(run.session_id, script(say("next")));
    const body = { justification: "moot" };
    const cancelled = await api.exchange("cancelRunQuestion", { ...cancellation(run), body });
    expect(cancelled).toMatchObject({ status: 200, answer: { run_id: run.run_id, status: "cancelled" } });
    expect(cancelled.answer.error).toContain("moot");
    expect((await fixture.settles(next.run_id)).status).toBe("completed");
    const late = await answerer.refusal(run, answers(COLOUR));
    expect(late).toMatchObject({ status: 409, domain: "runs", code: "run_state_conflict" });
  });

  test("01-R94 03-R40 an expired question cancels the run, names its deadline, and takes no answer", async () => {
    const content = script(ask("Quick!", { expires_after_ms: 150 }), say("never"));
    const { run_id, session_id } = await fixture.begin(content);
    const run = await fixture.settles(run_id);
    const [asked] = (await api.call("runEvents", of(run_id))).flatMap(({ event }) =>
      event.type === "waiting_for_user_question" ? event.requests : [],
    );
    const { created_at_ms = 0, expires_at_ms = 0 } = asked ?? {};
    expect(expires_at_ms - created_at_ms).toBeGreaterThan(100);
    expect(run.status).toBe("cancelled");
    expect(run.error).toContain(FIRST_QUESTION);
    expect(run.error).toContain(new Date(expires_at_ms).toISOString());
    expect(run.finished_at_ms).toBeGreaterThanOrEqual(expires_at_ms);
    const late = await answerer.refusal(run, answers(COLOUR));
    expect(late).toMatchObject({ status: 409, domain: "questions", code: "question_expired" });
    expect(await api.call("listSessionQuestions", at(session_id))).toEqual([]);
  });

  test("01-R94 a deadline does not touch what was answered before it", async () => {
    const question = ask("Quick!", { expires_after_ms: IN_TIME_MS });
    const content = script(question, { delay_ms: IN_TIME_MS + 200, text: "in time" });
    const { run_id } = await fixture.begin(content);
    await answerer.answer(await fixture.reaches(run_id, "waiting_for_user_question"), COLOUR);
    const run = await fixture.settles(run_id);
    expect(run).toMatchObject({ status: "completed", outputs: [{ content: "in time" }] });
  });
}
