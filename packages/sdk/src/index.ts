export type * from "@kheish/contract";
export type { Api, CallOptions, EndpointAnswer, EndpointInput, Keyed } from "./endpoints/types.ts";
export {
  KheishConnectionError,
  KheishError,
  KheishProblem,
  KheishProtocolError,
  KheishRunFailed,
  KheishTimeout,
} from "./errors.ts";
export { Kheish } from "./kheish.ts";
export type { Machine } from "./machine.ts";
export type { KheishOptions, TokenSource } from "./options.ts";
export type { RawRequest } from "./raw.ts";
export type { Answers } from "./resources/answers.ts";
export type { EventFilter } from "./resources/events.ts";
export type { Pages } from "./resources/pages.ts";
export { ReplyTarget } from "./resources/reply-target.ts";
export type { ResponseRequest, SessionResponseRequest } from "./resources/responses.ts";
export { Route, type RouteInput, type RouteSelection } from "./resources/route.ts";
export type { Decision, Run, RunStreamOptions, WaitOptions } from "./resources/run.ts";
export type { RunResult } from "./resources/run-result.ts";
export type { PendingApproval, RunFilter, SessionFilter } from "./resources/runs.ts";
export type { Session, SessionRequest, SessionStreamOptions } from "./resources/sessions.ts";
export type { StreamOptions } from "./resources/stream-options.ts";
export { isTerminal, isWaiting } from "./run-status.ts";
export type { EventStream, StreamFrame } from "./stream/event-stream.ts";
export type { Answer } from "./transport/send.ts";
