import { genericProblem, type ProblemDetails } from "@kheish/contract";
import { CliError } from "../errors.ts";
import { ExitCode, exitCodeOfStatus } from "../exit-codes.ts";

/** The daemon answered, and refused. */
export class DaemonRefusal extends CliError {
  readonly status: number;
  readonly code: string;

  constructor(problem: ProblemDetails) {
    super(
      `daemon returned ${problem.status} (${problem.code}): ${problem.detail}`,
      exitCodeOfStatus(problem.status),
      [
        ...(problem.errors ?? []).map(({ path, message }) => `${path || "/"}: ${message}`),
        ...(problem.run_id === undefined ? [] : [`run: ${problem.run_id}`]),
        ...(problem.incident_id === undefined ? [] : [`incident: ${problem.incident_id}`]),
        ...(problem.status === 401
          ? ["give its token with --token-file <path> or KHEISH_DAEMON_TOKEN_FILE"]
          : []),
      ],
    );
    this.name = "DaemonRefusal";
    this.status = problem.status;
    this.code = problem.code;
  }
}

/** No connection, or one that broke before the answer was complete. */
export class DaemonUnreachable extends CliError {
  constructor(baseUrl: string, reason: string) {
    super(`cannot reach the daemon at ${baseUrl}: ${reason}`, ExitCode.unreachable);
    this.name = "DaemonUnreachable";
  }
}

export class DaemonTimeout extends CliError {
  constructor(message: string) {
    super(message, ExitCode.timeout);
    this.name = "DaemonTimeout";
  }
}

/** The daemon answered something that the contract does not allow. */
export class UndecodableAnswer extends CliError {
  constructor(message: string) {
    super(message, ExitCode.schema);
    this.name = "UndecodableAnswer";
  }
}

const DETAIL_LIMIT = 500;

/** A refusal from its body: a problem document, or whatever a proxy in between wrote. */
export function refusalFrom(status: number, body: string): DaemonRefusal {
  const problem = parsedOrUndefined(body);
  if (isProblemDetails(problem)) return new DaemonRefusal({ ...problem, status });
  const isPage = /^\s*<(!doctype|html)/i.test(body);
  const text = isPage ? "a web page, as no daemon answers; is it at this URL?" : body;
  const detail = text.replace(/\s+/g, " ").trim().slice(0, DETAIL_LIMIT) || "no further detail";
  return new DaemonRefusal(genericProblem(status, detail).toDetails());
}

function isProblemDetails(value: unknown): value is ProblemDetails {
  if (typeof value !== "object" || value === null) return false;
  const { code, detail, errors = [] } = value as Partial<ProblemDetails>;
  return typeof code === "string" && typeof detail === "string" && Array.isArray(errors);
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const TRANSIENT_STATUSES = [408, 429, 502, 503, 504];

/** Whether the same request may well succeed in a moment. */
export function isTransient(error: unknown): boolean {
  if (error instanceof DaemonRefusal) return TRANSIENT_STATUSES.includes(error.status);
  return error instanceof DaemonUnreachable || error instanceof DaemonTimeout;
}
