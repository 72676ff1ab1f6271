/** What the process ends with (01, "Exit codes", and its A4). Scripts depend on every number. */
export const ExitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  unreachable: 3,
  auth: 4,
  notFound: 5,
  conflict: 6,
  timeout: 7,
  schema: 8,
  /** The run waits for a human. */
  waiting: 9,
  /** The run ended, but not `completed`. */
  notCompleted: 10,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const byHttpStatus: Readonly<Record<number, ExitCode>> = {
  400: ExitCode.usage,
  413: ExitCode.usage,
  422: ExitCode.usage,
  401: ExitCode.auth,
  403: ExitCode.auth,
  404: ExitCode.notFound,
  409: ExitCode.conflict,
  412: ExitCode.conflict,
  408: ExitCode.timeout,
  429: ExitCode.timeout,
  503: ExitCode.timeout,
  504: ExitCode.timeout,
};

export function exitCodeOfStatus(status: number): ExitCode {
  return byHttpStatus[status] ?? ExitCode.failure;
}
