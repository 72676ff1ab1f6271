import { type Binding, bind, callerOf, ok, param } from "../binding.ts";
import type { RunPrompts } from "./prompt.ts";
import type { RunService } from "./service.ts";

export function runBindings(runs: RunService, prompts: RunPrompts): Binding[] {
  return [
    bind("submitRun", async (request) => {
      const run = await runs.submit(param(request, "session_id"), request.body, callerOf(request));
      return ok(run, 202);
    }),
    bind("listRuns", async (request) => ok(await runs.list(request.query))),
    bind("getRun", async (request) => {
      const run = await runs.get(param(request, "run_id"));
      return ok({ ...run, deliveries: [] });
    }),
    bind("runEvents", async (request) => ok(await runs.events(param(request, "run_id")))),
    bind("runPrompt", async (request) =>
      ok(await prompts.get(param(request, "run_id"), param(request, "turn"))),
    ),
    bind("cancelRun", async (request) => ok(await runs.cancel(param(request, "run_id"), callerOf(request)))),
  ];
}
