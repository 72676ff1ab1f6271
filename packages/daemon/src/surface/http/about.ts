import type { BoundRequest, Reply } from "../../features/binding.ts";
import type { RequestAbout } from "./http-env.ts";

/** Ids are short; what is longer was never one, and a log line is no place for it. */
const MAX_ID = 200;

/** The session and run that a request named, or that its answer is about. */
export function requestAbout({ params }: BoundRequest, reply?: Reply): RequestAbout {
  const answer = reply !== undefined && "json" in reply ? reply.json : undefined;
  const idOf = (name: "session_id" | "run_id") =>
    shortText(params[name]) ?? shortText(memberOf(answer, name));
  const [sessionId, runId] = [idOf("session_id"), idOf("run_id")];
  return {
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
    ...(runId === undefined ? {} : { run_id: runId }),
  };
}

function memberOf(value: object | null | undefined, name: string): unknown {
  return value === undefined || value === null ? undefined : Reflect.get(value, name);
}

function shortText(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= MAX_ID ? value : undefined;
}
