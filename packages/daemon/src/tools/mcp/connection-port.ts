import type { Elicitation, ElicitationReply } from "./elicitation.ts";
import type { UpstreamResult } from "./result.ts";

/** A tool as its server lists it. */
export interface UpstreamTool {
  name: string;
  title?: string | undefined;
  description?: string | undefined;
  inputSchema?: unknown;
  /** `required`: it can be called as a task only. */
  execution?: { taskSupport?: string | undefined } | undefined;
  annotations?: { readOnlyHint?: boolean | undefined; idempotentHint?: boolean | undefined } | undefined;
}

/** How a call ended. */
export type CallEnd =
  | { kind: "result"; result: UpstreamResult }
  /** The server wants to be asked again, with answers. */
  | { kind: "input_required"; requests: Record<string, Elicitation>; requestState?: string }
  /** The server, or something on the way to it, said no. */
  | { kind: "refused"; message: string }
  /** It left, and no answer came: whether it took effect is not known. */
  | { kind: "lost"; message: string };

export interface UpstreamCall {
  tool: string;
  input: unknown;
  idempotencyKey: string;
  /** Whom a question of the server goes to. */
  runId: string;
  sessionId?: string;
  /** Answers to what `input_required` asked for. */
  inputResponses?: Record<string, ElicitationReply>;
  requestState?: string;
  /** The server asks in the middle of the call. */
  onAsked: (request: Elicitation) => Promise<ElicitationReply>;
}

export type ListKind = "resources" | "resource_templates";

/** An initialised server. Rejections are `UpstreamFailure`. */
export interface Connection {
  readonly protocolVersion: string;
  readonly serverVersion: string | undefined;
  readonly instructions: string | undefined;
  /** Resolves with the reason once it is of no use any more. */
  readonly closed: Promise<string>;
  listTools(signal: AbortSignal): Promise<UpstreamTool[]>;
  call(call: UpstreamCall, signal: AbortSignal): Promise<CallEnd>;
  list(
    what: ListKind,
    cursor: string | undefined,
    signal: AbortSignal,
  ): Promise<{ items: unknown[]; nextCursor?: string }>;
  read(uri: string, signal: AbortSignal): Promise<unknown[]>;
  prompts(
    cursor: string | undefined,
    signal: AbortSignal,
  ): Promise<{ items: unknown[]; nextCursor?: string }>;
  prompt(name: string, args: Record<string, string>, signal: AbortSignal): Promise<UpstreamResult["content"]>;
  close(): Promise<void>;
}

/** Its tools cannot stand beside others: two would have one name. */
export class ToolClash extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ToolClash";
  }
}

/** Why a server could not be reached or would not answer, in words without a secret. */
export class UpstreamFailure extends Error {
  /** The connection is of no use any more. */
  readonly isFatal: boolean;

  constructor(message: string, isFatal = false) {
    super(message);
    this.name = "UpstreamFailure";
    this.isFatal = isFatal;
  }
}
