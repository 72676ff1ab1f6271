import { problem } from "@kheish/contract";
import { type Binding, bind, callerOf, ok, param } from "../binding.ts";
import type { RunService } from "./service.ts";

export function runBindings(runs: RunService): Binding[] {
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
    bind("cancelRun", async (request) => ok(await runs.cancel(param(request, "run_id"), callerOf(request)))),
    // Debug capture is off in this version: known runs have no evidence (01, HTTP, Runs).
    bind("runDebug", async (request) => {
      const { run_id } = await runs.get(param(request, "run_id"));
      return ok({ run_id, level: "off", artifacts: [] });
    }),
    bind("runDebugArtifact", async (request) => {
      const { run_id } = await runs.get(param(request, "run_id"));
      throw problem(
        "runs",
        "run_debug_not_found",
        `run '${run_id}' was not captured: the debug level is off`,
      );
    }),
    bind("pruneRuns", async (request) => ok(await runs.pruneDebug(request.body))),
  ];
}
