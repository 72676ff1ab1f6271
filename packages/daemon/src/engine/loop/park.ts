import type { UserQuestionRequest } from "@kheish/contract";
import type { UnknownEffect } from "../events.ts";
import { announce } from "../hooks/announce.ts";
import type { SessionChange } from "../session-change.ts";
import type { Driver } from "./driver.ts";

/** Parks the run behind a question: rows in the store, a deadline in the timer queue, nothing in memory. */
export async function park(
  driver: Driver,
  change: SessionChange,
  question: { request: UserQuestionRequest; about?: UnknownEffect },
): Promise<void> {
  const { run, runState } = driver;
  const { request } = question;
  await driver.sessionFor(change);
  change.emit("waiting_for_user_question", { run_id: run.id, ...question });
  announce(driver.deps.hooks, change, driver.session, "notification", {
    runId: run.id,
    subject: "question_asked",
    place: ["notification", request.id],
    payload: { kind: "question_asked", request_ids: [request.id] },
  });
  change.put(
    "run",
    run.id,
    {
      ...run.data,
      status: "waiting_for_user_question",
      updated_at_ms: change.now,
      pending_question_ids: [request.id],
      request: { ...run.data.request, question_count: (run.data.request.question_count ?? 0) + 1 },
      usage: runState.usage,
    },
    run.revision,
  );
  change.updateSession({ status: "waiting_for_user_input", pending_questions: 1 });
  if (request.expires_at_ms !== undefined)
    change.remind(`question/${run.id}/${request.id}`, request.expires_at_ms);
}
