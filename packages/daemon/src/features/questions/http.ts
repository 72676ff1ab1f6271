import { activeRunOf, answerQuestion, type CommandDeps, cancelQuestion } from "../../engine/index.ts";
import { type Binding, bind, callerOf, ok, param } from "../binding.ts";
import type { RunService } from "../runs/index.ts";
import type { SessionService } from "../sessions/index.ts";
import type { QuestionService } from "./service.ts";

export function questionBindings(
  deps: CommandDeps,
  questions: QuestionService,
  runs: RunService,
  sessions: SessionService,
): Binding[] {
  return [
    bind("listQuestions", async (request) =>
      ok(await questions.list(request.query, request.query.session_id)),
    ),
    bind("listSessionQuestions", async (request) =>
      ok(await questions.list(request.query, param(request, "session_id"))),
    ),
    bind("answerRunQuestion", async (request) => {
      const runId = param(request, "run_id");
      await answerQuestion(deps, runId, request.body, callerOf(request));
      return ok(await runs.get(runId), 202);
    }),
    bind("answerSessionQuestion", async (request) => {
      const runId = await activeRunOf(deps, param(request, "session_id"));
      await answerQuestion(deps, runId, request.body, callerOf(request));
      return ok(await sessions.settled(runId, request.signal));
    }),
    bind("cancelRunQuestion", async (request) => {
      const runId = param(request, "run_id");
      await cancelQuestion(deps, runId, param(request, "request_id"), request.body, callerOf(request));
      return ok(await runs.get(runId));
    }),
  ];
}
