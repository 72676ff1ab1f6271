import { type Binding, bind, changerOf, ok, param } from "../binding.ts";
import type { DebugEvidence } from "./evidence.ts";
import type { DebugRetention } from "./retention.ts";

export function debugBindings(evidence: DebugEvidence, retention: DebugRetention): Binding[] {
  return [
    bind("runDebug", async (request) => ok(await evidence.view(param(request, "run_id")))),
    bind("runDebugArtifact", async (request) => ({
      status: 200,
      text: await evidence.artifact(param(request, "run_id"), param(request, "artifact_id")),
    })),
    bind("pruneRuns", async (request) => ok(await retention.prune(request.body, changerOf(request)))),
  ];
}
