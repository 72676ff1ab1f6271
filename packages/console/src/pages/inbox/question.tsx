import type { RunView, UserQuestionRequest } from "@kheish/sdk";
import { kheish } from "../../app/client.ts";
import { Countdown } from "../../ui/countdown.tsx";
import { Button, Card, Failure } from "../../ui/parts.tsx";
import { isLate, useDecision } from "./use-decision.ts";

/** What a run wants to know from a human. */
export function Question({ run, request }: { run: RunView; request: UserQuestionRequest }) {
  const decision = useDecision(run, request.id, (form: FormData | undefined) =>
    kheish().api.answerRunQuestion({
      params: { run_id: run.run_id },
      body: {
        resolution:
          form === undefined
            ? { request_id: request.id, declined: true }
            : { request_id: request.id, answers: request.questions.map(({ id }) => answerIn(form, id)) },
      },
    }),
  );
  return (
    <Card>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          decision.mutate(new FormData(event.currentTarget));
        }}
      >
        {request.questions.map(({ id, question, options, multi_select }) => (
          <fieldset key={id} className="grid gap-2">
            <legend className="mb-2 font-semibold">{question}</legend>
            {options.map((option) => (
              <label key={option.id} className="flex gap-2">
                <input type={multi_select ? "checkbox" : "radio"} name={id} value={option.id} />
                <span>
                  {option.label} <span className="text-soft">{option.description}</span>
                </span>
              </label>
            ))}
            <input
              name={`${id}-words`}
              aria-label={`In words: ${question}`}
              placeholder="or in your own words"
              className="rounded-md border border-line bg-canvas px-3 py-2"
            />
          </fieldset>
        ))}
        {request.expires_at_ms !== undefined && (
          <Countdown at={request.expires_at_ms} then="the run is cancelled" />
        )}
        {decision.error && !isLate(decision.error) && <Failure error={decision.error} />}
        <div className="flex gap-2">
          <Button tone="primary" type="submit" disabled={decision.isPending}>
            Answer
          </Button>
          <Button verb="write" disabled={decision.isPending} onClick={() => decision.mutate(undefined)}>
            Decline
          </Button>
        </div>
      </form>
    </Card>
  );
}

function answerIn(form: FormData, questionId: string) {
  const words = String(form.get(`${questionId}-words`)).trim();
  return {
    question_id: questionId,
    selected_option_ids: form.getAll(questionId).map(String),
    ...(words !== "" && { freeform_answer: words }),
  };
}
