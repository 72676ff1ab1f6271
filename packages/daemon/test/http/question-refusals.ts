import type { UserQuestionResolution } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import {
  Answerer,
  answers,
  COLOUR,
  cancellation,
  OTHER_COLOUR,
  SIZES,
  TWO_QUESTIONS,
} from "./support/answers.ts";
import type { Fixture } from "./support/fixture.ts";
import { ASKING, ENDLESS, FIRST_QUESTION, GATED, say, script } from "./support/script.ts";

/** 03-R38: what is wrong, in the order in which it is looked for. Each also breaks rules that come later. */
const INVALID: { what: string; resolution: Partial<UserQuestionResolution>; code: string }[] = [
  {
    what: "another request",
    resolution: { request_id: "question-request-sim-9-9", declined: true, answers: [COLOUR] },
    code: "question_request_mismatch",
  },
  {
    what: "declined, and answered twice",
    resolution: { declined: true, answers: [COLOUR, COLOUR] },
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

export function questionRefusals(fixture: Fixture): void {
  const { api } = fixture;
  const answerer = new Answerer(api);

  test.each(INVALID)("03-R38 $what: $code, and the run waits on", async ({ resolution, code }) => {
    const run = await fixture.beginWaiting(TWO_QUESTIONS);
    await fixture.leavesAlone(run.session_id, async () => {
      const body = { resolution: { request_id: FIRST_QUESTION, ...resolution } };
      expect(await answerer.refusal(run, body)).toMatchObject({ status: 400, domain: "questions", code });
    });
    await answerer.answer(run, COLOUR, SIZES);
    expect((await fixture.settles(run.run_id)).status).toBe("completed");
  });

  test("03-R41 a cancellation with the id of another question: 400, and the run waits on", async () => {
    const run = await fixture.beginWaiting(ASKING);
    await fixture.leavesAlone(run.session_id, async () => {
      const other = await api.refusal("cancelRunQuestion", cancellation(run, "question-request-other"));
      expect(other).toMatchObject({ status: 400, domain: "questions", code: "question_request_mismatch" });
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
      expect(await answerer.refusal(run, answers(COLOUR))).toMatchObject(conflict);
      expect(await api.refusal("cancelRunQuestion", cancellation(run))).toMatchObject(conflict);
      await fixture.cancel(run_id);
    });

    test.each(["queued", "completed"])("a run that is %s: 409 runs/run_state_conflict", async (state) => {
      const session_id = await fixture.session();
      if (state === "queued") await fixture.submit(session_id, ASKING);
      const run = await fixture.submit(session_id, script(say("hello")));
      if (state === "completed") await fixture.settles(run.run_id);
      const conflict = { status: 409, domain: "runs", code: "run_state_conflict" };
      expect(await answerer.refusal(run, answers(COLOUR))).toMatchObject(conflict);
      expect(await api.refusal("cancelRunQuestion", cancellation(run))).toMatchObject(conflict);
    });

    test("answered already: the same again is 202 and writes nothing, another is 409", async () => {
      const run = await fixture.beginWaiting(ASKING);
      await answerer.answer(run, COLOUR);
      await fixture.settles(run.run_id);
      await fixture.leavesAlone(run.session_id, async () => {
        expect((await answerer.answer(run, COLOUR)).status).toBe("completed");
        const other = await answerer.refusal(run, answers(OTHER_COLOUR));
        expect(other).toMatchObject({
          status: 409,
          domain: "questions",
          code: "question_resolution_conflict",
        });
      });
    });
  });
}
