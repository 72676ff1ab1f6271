import type { ProblemCode, ProblemDetails, ProblemDomain, RunView } from "@kheish/contract";

/** Everything that the SDK throws, except the reason of a signal that the caller aborted. */
export class KheishError extends Error {
  override readonly name: string = "KheishError";
}

/** What an answer says beside its problem document. */
export interface ProblemContext {
  /** Names the request in the daemon's log. */
  readonly requestId?: string | undefined;
  /** How long the daemon wants to be left alone. */
  readonly retryAfterMs?: number | undefined;
}

/** The daemon answered, and refused: an RFC 9457 problem. `domain` and `code` are stable, `detail` is for people. */
export class KheishProblem extends KheishError {
  override readonly name: string = "KheishProblem";
  readonly status: number;
  readonly code: string;
  readonly domain: string | undefined;
  readonly detail: string;
  /** The whole document, as it came. */
  readonly document: ProblemDetails;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(document: ProblemDetails, { requestId, retryAfterMs }: ProblemContext = {}) {
    super(messageFor(document));
    this.status = document.status;
    this.code = document.code;
    this.domain = document.domain;
    this.detail = document.detail;
    this.document = document;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether it is one of these problems of a domain; without codes, any of the domain. */
  is<D extends ProblemDomain>(domain: D, ...codes: ProblemCode<D>[]): boolean {
    return this.domain === domain && (codes.length === 0 || (codes as string[]).includes(this.code));
  }
}

function messageFor({ status, domain, code, detail, errors = [] }: ProblemDetails): string {
  const name = domain === undefined ? code : `${domain}/${code}`;
  const fields = errors.map(({ path, message }) => `\n  ${path || "/"}: ${message}`);
  return `${status} ${name}: ${detail}${fields.join("")}`;
}

/** No connection, or one that broke before the answer was complete. */
export class KheishConnectionError extends KheishError {
  override readonly name: string = "KheishConnectionError";
  /** False only where it is certain that the daemon never saw the request. */
  readonly mayHaveArrived: boolean;

  constructor(message: string, options: { mayHaveArrived: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.mayHaveArrived = options.mayHaveArrived;
  }
}

/** The caller's time ran out. What was asked of the daemon goes on without it. */
export class KheishTimeout extends KheishError {
  override readonly name: string = "KheishTimeout";
}

/** The answer is none that a Kheish daemon gives: a wrong address, a proxy, another version. */
export class KheishProtocolError extends KheishError {
  override readonly name: string = "KheishProtocolError";
}

/** The run is over and not completed; see `run.status` and `run.error`. */
export class KheishRunFailed extends KheishError {
  override readonly name: string = "KheishRunFailed";
  readonly run: RunView;

  constructor(run: RunView) {
    super(`${run.run_id} ${run.status}${run.error === undefined ? "" : `: ${run.error}`}`);
    this.run = run;
  }
}
