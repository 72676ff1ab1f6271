import type { ApprovalRequest, ApprovalResolution, Json as JsonValue, RunView } from "@kheish/sdk";
import { type RefObject, useRef, useState } from "react";
import { kheish } from "../../app/client.ts";
import { CallInput } from "../../calls/input.tsx";
import { Seen } from "../../calls/seen.tsx";
import { Countdown } from "../../ui/countdown.tsx";
import { Button, Card, Failure } from "../../ui/parts.tsx";
import { isLate, useDecision } from "./use-decision.ts";

type Verdict = Pick<ApprovalResolution, "behavior" | "updated_input" | "remember">;

const TIMEOUT = {
  cancel: "the run is cancelled",
  deny: "it is denied",
  escalate: "only an administrator may allow it",
};

/** A tool call that a human has to allow. */
export function Approval({ run, request }: { run: RunView; request: ApprovalRequest }) {
  const edited = useRef<HTMLTextAreaElement>(null);
  const [isEditing, setEditing] = useState(false);
  const [invalid, setInvalid] = useState<string>();
  const decision = useDecision(run, request.id, (verdict: Verdict) =>
    kheish().api.resolveRunApprovals({
      params: { run_id: run.run_id },
      body: { resolutions: [{ request_id: request.id, ...verdict }] },
    }),
  );
  const allow = (more: Partial<Verdict> = {}) => {
    setInvalid(undefined);
    if (!isEditing) return decision.mutate({ behavior: "allow", ...more });
    try {
      const updated_input = JSON.parse(edited.current?.value ?? "") as JsonValue;
      decision.mutate({ behavior: "allow", updated_input, ...more });
    } catch {
      setInvalid("This is not JSON.");
    }
  };
  const remember = { scope: "session", match: "exact" } as const;
  // What a budget is extended by is its owner's to say, and no rule can stand in for the owner.
  const isBudget = request.budget_id !== undefined;
  return (
    <Card className="grid gap-3">
      <h2 className="font-semibold">
        {request.tool_name} <span className="font-normal text-soft">{request.reason}</span>
      </h2>
      {isEditing ? (
        <Editor input={request.input} field={edited} />
      ) : (
        <CallInput tool={request.tool_name} input={request.input} />
      )}
      {!isBudget && !isEditing && (
        <Seen tool={request.tool_name} input={request.input} sessionId={run.session_id} />
      )}
      <Votes request={request} />
      {request.expires_at_ms !== undefined && (
        <Countdown at={request.expires_at_ms} then={TIMEOUT[request.on_timeout ?? "deny"]} />
      )}
      {invalid !== undefined && <Failure error={new Error(invalid)} />}
      {decision.error && !isLate(decision.error) && <Failure error={decision.error} />}
      <div className="flex flex-wrap gap-2">
        <Button tone="primary" data-act="a" disabled={decision.isPending} onClick={() => allow()}>
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
        {!isBudget && (
          <>
            <Button data-act="e" verb="write" onClick={() => setEditing(!isEditing)}>
              {isEditing ? "As it was" : "Edit input"}
            </Button>
            {!isEditing && (
              <Button verb="write" disabled={decision.isPending} onClick={() => allow({ remember })}>
                Always in this session
              </Button>
            )}
          </>
        )}
      </div>
    </Card>
  );
}

/** Who has said yes, where more than one has to. */
function Votes({ request }: { request: ApprovalRequest }) {
  const { required_approvals: needed = 1, approved_by: given = [], escalated_at_ms } = request;
  return (
    <>
      {needed > 1 && (
        <p className="text-soft">
          {given.length} of {needed} approvals{given.length > 0 && `: ${given.join(", ")}`}
        </p>
      )}
      {escalated_at_ms !== undefined && (
        <p className="text-wait">Its time ran out: only an administrator may allow it now.</p>
      )}
    </>
  );
}

function Editor({ input, field }: { input: JsonValue; field: RefObject<HTMLTextAreaElement | null> }) {
  const text = JSON.stringify(input, undefined, 2);
  return (
    <textarea
      ref={field}
      // biome-ignore lint/a11y/noAutofocus: whoever asks to edit wants to type
      autoFocus
      aria-label="Input"
      defaultValue={text}
      rows={Math.min(16, text.split("\n").length + 1)}
      spellCheck={false}
      className="rounded-md border border-line bg-canvas p-3 font-mono text-xs"
    />
  );
}
