import type { ChaosOptions } from "./options.ts";

/** The figures of one chaos run. */
export interface Report {
  scenario: string;
  store: string;
  seed: string;
  faults: string[];
  lose_acks: number;
  runs: number;
  accepted: number;
  settled: number;
  completed: number;
  lost: number;
  repeated: number;
  stream_gaps: number;
  stream_duplicates: number;
  /** A crash left it unknown what a call did, and the journal says so. */
  unknown_surfaced: number;
  /** The world lost the answer to the one request of a call, and its tool said so. */
  unknown_told_by_tool: number;
  /** Calls that may be repeated, under which the daemon died too often; the journal says so. */
  given_up: number;
  effects: number;
  lost_acknowledgements: number;
  kills: number;
  restarts: number;
  failed_starts: number;
  /** The daemon ended although nobody had asked it to. */
  crashes: number;
  takeovers: number;
  /** Kills after which a step of a run that had been in flight was seen before the next kill. */
  resumptions: number;
  seconds_to_first_resumed_step_median: number | null;
  seconds_to_first_resumed_step_max: number | null;
  events: number;
  /** Refusals that callers met, by problem code. */
  problems: Record<string, number>;
  seconds: number;
  sigterm?: SigtermFigures;
  governed?: GovernedFigures;
  mcp?: McpFigures;
  tasks?: TasksFigures;
  /** What is behind the counts above. */
  findings: string[];
}

export interface SigtermFigures {
  live_runs: number;
  readiness_false_first: boolean;
  /** Without what the daemon waited for a core. */
  seconds_to_exit: number;
}

export interface GovernedFigures {
  budget_calls: number;
  /** As the provider counted them, whatever the daemons believe. */
  calls_dispatched: number;
  /** As the budget says at the end; what a kill cut off is used. */
  calls_counted: number;
  /** Runs that failed because the budget was spent, and because their session was revoked. */
  failed_by_budget: number;
  failed_by_revocation: number;
  quarantined: number;
  rotations: number;
  rekeys: number;
  revocations: number;
  tokens_revoked: number;
  /** Calls and requests under what had been revoked or replaced. */
  used_after_revocation: number;
}

export interface McpFigures {
  server_kills: number;
  calls: number;
  /** Effects beyond the first of a call, all of which may be repeated. */
  repeated_calls: number;
}

/** Commands in the background, by how they ended. */
export interface TasksFigures {
  commands: number;
  /** By themselves, all of their output kept. */
  exited: number;
  stopped: number;
  past_deadline: number;
  /** Their daemon was killed. */
  cut_off: number;
  /** They ran on when they had been said to be over, or when their daemon was dead. */
  outlived: number;
}

/** What one SIGTERM may take, with a margin for a machine that others share. */
const EXIT_WITHIN_S = 2.5;

export function isClean(report: Report): boolean {
  const { lost, repeated, stream_gaps, stream_duplicates, crashes, accepted, settled } = report;
  const { sigterm, governed, tasks } = report;
  const isStopClean =
    sigterm === undefined || (sigterm.readiness_false_first && sigterm.seconds_to_exit <= EXIT_WITHIN_S);
  const isGoverned =
    governed === undefined ||
    (governed.used_after_revocation === 0 &&
      governed.calls_dispatched <= governed.budget_calls &&
      governed.calls_counted <= governed.budget_calls);
  return (
    isGoverned &&
    (tasks?.outlived ?? 0) === 0 &&
    lost + repeated + stream_gaps + stream_duplicates + crashes === 0 &&
    settled === accepted &&
    isStopClean
  );
}

/** The figures of a scenario that follows no streams, loses no acknowledgements and asks nobody for approval. */
export const NOT_LOOKED_AT = {
  stream_gaps: 0,
  stream_duplicates: 0,
  unknown_surfaced: 0,
  unknown_told_by_tool: 0,
  given_up: 0,
  lost_acknowledgements: 0,
  takeovers: 0,
  resumptions: 0,
  seconds_to_first_resumed_step_median: null,
  seconds_to_first_resumed_step_max: null,
  problems: {},
} satisfies Partial<Report>;

/** Name and figure, for people. */
export function table(report: Report): string {
  const { findings: _findings, problems, sigterm, governed, mcp, tasks, faults, ...figures } = report;
  const rows = Object.entries({
    ...figures,
    faults: faults.join(", ") || "none",
    ...sigterm,
    ...governed,
    ...mcp,
    ...tasks,
    ...Object.fromEntries(Object.entries(problems).map(([code, count]) => [`answered ${code}`, count])),
  });
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, figure]) => `${name.replaceAll("_", " ").padEnd(width)}  ${figure ?? "-"}\n`)
    .join("");
}

export function median(numbers: readonly number[]): number | undefined {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

export function rounded(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.round(seconds * 1_000) / 1_000;
}

/** What a report says of its own making. */
export function heading(
  options: ChaosOptions,
): Pick<Report, "scenario" | "store" | "seed" | "faults" | "lose_acks" | "runs"> {
  const { scenario, store, seed, faults, loseAcks, runs } = options;
  return { scenario, store, seed, faults, lose_acks: loseAcks, runs };
}
