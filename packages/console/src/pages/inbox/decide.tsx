import {
  type ApprovalRequest,
  type Json as JsonValue,
  KheishProblem,
  type RunView,
  type UserQuestionRequest,
} from "@kheish/sdk";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type RefObject, useRef, useState } from "react";
import { kheish } from "../../app/client.ts";
import { announce } from "../../app/notice.tsx";
import { Button, Card, Failure, Json, Time } from "../../ui/parts.tsx";

/** What a run waits for, to be decided here. */
export function Decide({ run }: { run: RunView }) {
  return (
    <>
      {run.pending_approvals?.map((request) => (
        <Approval key={request.id} run={run} request={request} />
      ))}
      {run.pending_questions?.map((request) => (
        <Question key={request.id} run={run} request={request} />
      ))}
    </>
  );
}

type Verdict = { behavior: "allow"; updated_input?: JsonValue } | { behavior: "deny" };

/** Who was slower is told so, though what was asked is gone from the page by then (08-R5). */
function useDecision<Said>(run: RunView, decide: (said: Said) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: decide,
    onError: (error) => {
      if (error instanceof KheishProblem && error.status === 409)
        announce(`${run.run_id}: already resolved by somebody else.`);
    },
    onSettled: () => client.invalidateQueries(),
  });
}

export function Approval({ run, request }: { run: RunView; request: ApprovalRequest }) {
  const edited = useRef<HTMLTextAreaElement>(null);
  const [isEditing, setEditing] = useState(false);
  const [invalid, setInvalid] = useState<string>();
  const decision = useDecision(run, (verdict: Verdict) =>
    kheish().api.resolveRunApprovals({
      params: { run_id: run.run_id },
      body: { resolutions: [{ request_id: request.id, ...verdict }] },
    }),
  );
  const allow = () => {
    setInvalid(undefined);
    if (!isEditing) return decision.mutate({ behavior: "allow" });
    try {
      decision.mutate({
        behavior: "allow",
        updated_input: JSON.parse(edited.current?.value ?? "") as JsonValue,
      });
    } catch {
      setInvalid("This is not JSON.");
    }
  };
  return (
    <Card className="grid gap-3">
      <h2 className="font-semibold">
        {request.tool_name} <span className="font-normal text-soft">{request.reason}</span>
      </h2>
      {isEditing ? <Editor input={request.input} field={edited} /> : <Fields input={request.input} />}
      <Expiry
        request={request}
        afterwards={request.on_timeout === "cancel" ? "the run is cancelled" : "it is denied"}
      />
      {invalid !== undefined && <Failure error={new Error(invalid)} />}
      {decision.error && <Failure error={decision.error} />}
      <div className="flex flex-wrap gap-2">
        <Button tone="primary" data-act="a" disabled={decision.isPending} onClick={allow}>
          {isEditing ? "Approve as edited" : "Approve"}
        </Button>
        <Button
          tone="danger"
          data-act="d"
          disabled={decision.isPending}
          onClick={() => decision.mutate({ behavior: "deny" })}
        >
          Deny
        </Button>
        {/* What a budget is extended by is its owner's to say. */}
        {request.budget_id === undefined && (
          <Button data-act="e" onClick={() => setEditing(!isEditing)}>
            {isEditing ? "As it was" : "Edit input"}
          </Button>
        )}
      </div>
    </Card>
  );
}

/** Each field by itself, text as text: a human reads a script, not its escapes. */
function Fields({ input }: { input: JsonValue }) {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return <Json value={input} />;
  return (
    <dl className="grid gap-2">
      {Object.entries(input).map(([name, value]) => (
        <div key={name}>
          <dt className="mb-1 text-soft">{name}</dt>
          <dd>
            <Json value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Expiry({
  request,
  afterwards,
}: {
  request: { expires_at_ms?: number | undefined };
  afterwards: string;
}) {
  if (request.expires_at_ms === undefined) return null;
  return (
    <p className="text-wait">
      Waits until <Time at={request.expires_at_ms} />, then {afterwards}.
    </p>
  );
}

function Editor({ input, field }: { input: JsonValue; field: RefObject<HTMLTextAreaElement | null> }) {
  const text = JSON.stringify(input, undefined, 2);
  return (
    <textarea
      ref={field}
      aria-label="Input"
      defaultValue={text}
      rows={Math.min(16, text.split("\n").length + 1)}
      spellCheck={false}
      className="rounded-md border border-line bg-canvas p-3 font-mono text-xs"
    />
  );
}

export function Question({ run, request }: { run: RunView; request: UserQuestionRequest }) {
  const decision = useDecision(run, (form: FormData) =>
    kheish().api.answerRunQuestion({
      params: { run_id: run.run_id },
      body: {
        resolution: {
          request_id: request.id,
          answers: request.questions.map(({ id }) => {
            const words = String(form.get(`${id}-words`)).trim();
            return {
              question_id: id,
              selected_option_ids: form.getAll(id).map(String),
              ...(words !== "" && { freeform_answer: words }),
            };
          }),
        },
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
        <Expiry request={request} afterwards="the run is cancelled" />
        {decision.error && <Failure error={decision.error} />}
        <div>
          <Button tone="primary" type="submit" disabled={decision.isPending}>
            Answer
          </Button>
        </div>
      </form>
    </Card>
  );
}
