import { KheishProblem, type RunView } from "@kheish/sdk";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { kheish } from "../../app/client.ts";
import { announce } from "../../app/notice.tsx";
import { decisionOn, decisionText } from "./decision.ts";

/** Somebody else was faster, or the run is over. */
export function isLate(error: unknown): boolean {
  return error instanceof KheishProblem && error.status === 409;
}

/** Who was slower is told so, and who was faster, though what was asked is gone from the page by then (08-R5). */
export function useDecision<Said>(run: RunView, requestId: string, decide: (said: Said) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: decide,
    onError: async (error) => {
      if (isLate(error)) announce(`${run.run_id}: already resolved, ${await fasterOne(run, requestId)}.`);
    },
    onSettled: () => client.invalidateQueries(),
  });
}

async function fasterOne({ run_id }: RunView, requestId: string): Promise<string> {
  try {
    const decided = decisionOn(await kheish().api.runEvents({ params: { run_id } }), requestId);
    if (decided !== undefined) return decisionText(decided);
  } catch {
    // It is known that somebody was; who it was is a courtesy.
  }
  return "by somebody else";
}
