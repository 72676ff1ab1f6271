import type { CheckName } from "./invariants/check.ts";
import type { Plan, SubmissionPlan } from "./plan/plan.ts";
import { CALM } from "./plan/weather.ts";
import { checkPlan } from "./seed.ts";

/** Histories that may be tried on the way to a short one. */
const MOST_TRIES = 600;

/** The smallest plan found that still violates the same check: what can be left out is left out, as long as there is some. */
export async function shrink(
  plan: Plan,
  check: CheckName,
  onStep: (plan: Plan) => void = () => {},
): Promise<Plan> {
  let smallest = plan;
  let tries = 0;
  for (let progress = true; progress && tries < MOST_TRIES; ) {
    progress = false;
    for (const simpler of simplerPlans(smallest)) {
      if (++tries > MOST_TRIES) break;
      if ((await checkPlan(simpler)).violation?.check !== check) continue;
      smallest = simpler;
      progress = true;
      onStep(smallest);
      break;
    }
  }
  return smallest;
}

/** Plans with one thing less, the boldest first. */
function* simplerPlans(plan: Plan): Generator<Plan> {
  yield* without(plan, "deaths");
  yield* without(plan, "interventions");
  yield* without(plan, "watchers");
  yield* without(plan, "operators");
  yield* without(plan, "rulers");
  yield* without(plan, "legislators");
  yield* without(plan, "librarians");
  for (const submissions of fewer(plan.submissions)) {
    if (submissions.length > 0) yield withSubmissions(plan, submissions);
  }
  for (const name of Object.keys(CALM) as (keyof typeof CALM)[]) {
    if (plan.weather[name] !== CALM[name])
      yield { ...plan, weather: { ...plan.weather, [name]: CALM[name] } };
  }
  const { contextTokens, ...wide } = plan;
  if (contextTokens !== undefined) yield wide;
  const { budget, ...free } = plan;
  if (budget !== undefined) yield free;
  const { access, ...open } = plan;
  if (access !== undefined) yield open;
  if (access?.account !== undefined) {
    const { account: _account, ...keyed } = access;
    yield { ...plan, access: keyed };
  }
  const { hooks, ...unhooked } = plan;
  if (hooks !== undefined) yield unhooked;
  const { remote } = plan;
  if (remote !== undefined) {
    if (remote.lost > 0) yield { ...plan, remote: { ...remote, lost: 0 } };
    for (const deaths of fewer(remote.deaths)) yield { ...plan, remote: { ...remote, deaths } };
  }
  if (plan.onFiles) yield { ...plan, onFiles: false };
  for (const [index, submission] of plan.submissions.entries()) {
    for (const simpler of simplerSubmissions(submission)) {
      yield { ...plan, submissions: plan.submissions.with(index, simpler) };
    }
  }
}

function* without(
  plan: Plan,
  list: "deaths" | "interventions" | "watchers" | "operators" | "rulers" | "legislators" | "librarians",
): Generator<Plan> {
  for (const left of fewer<Plan[typeof list][number]>(plan[list])) yield { ...plan, [list]: left };
}

/** Nothing of it, each half of it, and all but one. */
function* fewer<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) return;
  yield [];
  const middle = Math.ceil(items.length / 2);
  if (items.length > 3) yield* [items.slice(0, middle), items.slice(middle)];
  if (items.length > 1) for (const index of items.keys()) yield items.toSpliced(index, 1);
}

/** Whoever watches or stops what is not submitted any more goes, too, and so do empty sessions. */
function withSubmissions(plan: Plan, submissions: SubmissionPlan[]): Plan {
  const ids = new Set(submissions.map(({ id }) => id));
  const sessions = new Set(submissions.map(({ session }) => session));
  return {
    ...plan,
    submissions,
    sessions: plan.sessions.filter(({ id }) => sessions.has(id)),
    interventions: plan.interventions.filter((one) =>
      one.kind === "cancel" ? ids.has(one.submission) : !("session" in one) || sessions.has(one.session),
    ),
    rulers: plan.rulers.filter(({ session }) => sessions.has(session)),
    librarians: plan.librarians.filter(({ session }) => sessions.has(session)),
    watchers: plan.watchers.filter(({ scope }) =>
      scope.kind === "run"
        ? ids.has(scope.submission)
        : scope.kind === "global" || sessions.has(scope.session),
    ),
  };
}

function* simplerSubmissions(submission: SubmissionPlan): Generator<SubmissionPlan> {
  for (const turns of fewer(submission.turns)) yield { ...submission, turns };
  if (submission.copies > 1) yield { ...submission, copies: 1 };
  for (const [index, turn] of submission.turns.entries()) {
    const simpler = (part: Partial<typeof turn>) => ({
      ...submission,
      turns: submission.turns.with(index, { ...turn, ...part }),
    });
    for (const calls of fewer(turn.calls)) if (calls.length > 0) yield simpler({ calls });
    if (turn.text !== "" || turn.chunks > 1 || turn.delayMs > 0)
      yield simpler({ text: "", chunks: 1, delayMs: 0 });
    const { error, ...fine } = turn;
    if (error !== undefined) yield { ...submission, turns: submission.turns.with(index, fine) };
  }
}
