import type { RunView } from "@kheish/sdk";
import { Approval } from "./approval.tsx";
import { Question } from "./question.tsx";

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
