import type { PendingQuestionView } from "@kheish/contract";
import type { DaemonClient } from "../../client/client.ts";
import { CliError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import { everyPage } from "../every-page.ts";

/** Where to look for a question; nothing named means everywhere. */
export interface Place {
  runId?: string;
  sessionId?: string;
}

export async function findQuestion(
  client: DaemonClient,
  requestId: string,
  { runId, sessionId }: Place,
): Promise<PendingQuestionView> {
  const pending = await everyPage<PendingQuestionView>((page) =>
    client.call("listQuestions", { query: { ...page, session_id: sessionId } }),
  );
  const found = pending.find(
    ({ request, run_id }) => request.id === requestId && (runId === undefined || run_id === runId),
  );
  if (found === undefined) throw new CliError(`no question '${requestId}' is pending`, ExitCode.notFound);
  return found;
}

/** The run to answer to: as named, else as the pending question says. */
export async function runOfQuestion(client: DaemonClient, requestId: string, place: Place): Promise<string> {
  if (place.runId !== undefined) return place.runId;
  const { run_id } = await findQuestion(client, requestId, place);
  if (run_id === undefined) throw new CliError(`question '${requestId}' belongs to no run`);
  return run_id;
}
