import type { Plan, SubmissionPlan } from "../plan/plan.ts";
import { CALM } from "../plan/weather.ts";
import { isRemote } from "../world/remote.ts";
import type { Outcome } from "./outcomes.ts";

type Outcomes = ReadonlyMap<string, Outcome>;

/** The same people with the same wishes in a world in which nothing goes wrong. */
export function calmTwin(plan: Plan): Plan {
  return {
    ...plan,
    weather: CALM,
    onFiles: false,
    daemons: 1,
    deaths: [],
    interventions: [],
    watchers: [],
    operators: [],
    rulers: [],
    legislators: [],
    librarians: [],
  };
}

/** Whether there is a submission whose end does not depend on when things happened. */
export function comparable(plan: Plan): boolean {
  return plan.submissions.some((submission) => isTimeless(plan, submission));
}

/** The first submission that ended otherwise; undefined when all that can be compared are the same. */
export function differenceOf(plan: Plan, stormy: Outcomes, calm: Outcomes): string | undefined {
  for (const submission of plan.submissions) {
    const one = stormy.get(submission.id);
    const other = calm.get(submission.id);
    if (!isTimeless(plan, submission) || one === undefined || other === undefined) continue;
    if (!isKnown(one)) continue;
    const [found, expected] = [linesOf(one), linesOf(other)];
    const at = found.findIndex((line, index) => line !== expected[index]);
    if (at < 0 && found.length === expected.length) continue;
    return `${submission.id}: ${found[at]}; without crashes: ${expected[at]}`;
  }
  return undefined;
}

/** Calls that ran together ended in some order. */
function linesOf({ status, error, answers, calls }: Outcome): string[] {
  const ends = Object.entries(calls).sort(([one], [other]) => (one < other ? -1 : 1));
  return [status, error ?? "no error", ...answers, ...ends.map((end) => JSON.stringify(end))];
}

/** Nobody intervenes, no deadline runs, and no two people contradict each other. */
function isTimeless(plan: Plan, { session, mode, turns }: SubmissionPlan): boolean {
  // Who gets the last of a budget is decided by who comes first.
  if (plan.budget !== undefined) return false;
  // What a command is called says when it was begun, and that it is over is told when it is.
  if (plan.commands) return false;
  // Who is served and who is refused is decided by who comes before the revocation.
  if (plan.access?.leased === true) return false;
  const touched = plan.interventions.some(
    (one) =>
      one.kind === "drain" ||
      (one.kind === "cancel" && sessionOf(plan, one.submission) === session) ||
      ("session" in one && one.session === session),
  );
  if (mode === "inline" || touched) return false;
  // What is remembered, and what a rule says, depends on who was there first.
  if (plan.rulers.some((ruler) => ruler.session === session) || remembers(plan, session)) return false;
  // Whether a skill is active in time does, too.
  if (plan.librarians.some((librarian) => librarian.session === session)) return false;
  const timeout = plan.sessions.find(({ id }) => id === session)?.approvalTimeoutMs ?? 0;
  const calls = turns.flatMap((turn) => turn.calls);
  // What became of a server outside, and of its answers, is part of how a call ended.
  if (calls.some(({ tool }) => isRemote(tool))) return false;
  // So does what the daemon's own rules say, and all of those are about one tool.
  if (plan.legislators.length > 0 && calls.some(({ tool }) => tool === "bash")) return false;
  return calls.every(
    ({ tool, answers, expiresAfterMs }) =>
      answers.length <= 1 && expiresAfterMs === 0 && (tool !== "bash" || timeout === 0),
  );
}

function remembers(plan: Plan, session: string): boolean {
  return plan.submissions.some(
    (one) =>
      one.session === session &&
      one.turns.some(({ calls }) => calls.some(({ answers }) => answers.some(({ remember }) => remember))),
  );
}

function sessionOf(plan: Plan, submission: string): string | undefined {
  return plan.submissions.find(({ id }) => id === submission)?.session;
}

/** No call of it was lost: whoever does not know what happened may go on differently. */
function isKnown({ calls, error }: Outcome): boolean {
  const isSure = Object.values(calls).every(
    ({ ledger, output }) =>
      ledger !== "unknown" &&
      ledger !== "reconciled" &&
      // A guard may have been too late, too.
      !/"interrupted"|failed after/.test(JSON.stringify(output)),
  );
  return isSure && error?.startsWith("quarantined") !== true;
}
