import type { HookOutcome } from "@kheish/contract";

const STRICTNESS = ["allow", "ask", "deny"] as const;

/** What the answers of several hooks come to, in the order of their declaration (03-R45). */
export function merge(answers: readonly { hook: string; outcome: HookOutcome }[]): HookOutcome {
  const outcomes = answers.map(({ outcome }) => outcome);
  const said = <K extends keyof HookOutcome>(field: K) =>
    outcomes.flatMap((outcome) => (outcome[field] === undefined ? [] : [outcome[field]]));
  const decisions = said("decision");
  const strictest = said("permission").reduce<number>(
    (most, one) => Math.max(most, STRICTNESS.indexOf(one)),
    -1,
  );
  const watched = [...new Set(said("watch_paths").flat())].sort();
  return compact({
    continue_execution: said("continue_execution").includes(false) ? false : undefined,
    stop_reason: said("stop_reason")[0],
    decision: decisions.includes("block") ? "block" : decisions[0],
    permission: STRICTNESS[strictest],
    updated_input: said("updated_input").at(-1),
    updated_output: said("updated_output").at(-1),
    updated_permissions: unlessEmpty(said("updated_permissions").flat()),
    additional_contexts: unlessEmpty(said("additional_contexts").flat()),
    initial_user_message: said("initial_user_message")[0],
    watch_paths: unlessEmpty(watched),
    retry: said("retry").includes(true) ? true : undefined,
    matched_hooks: answers.map(({ hook }) => hook),
  });
}

function unlessEmpty<T>(list: T[]): T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function compact(outcome: { [K in keyof HookOutcome]: HookOutcome[K] | undefined }): HookOutcome {
  return Object.fromEntries(Object.entries(outcome).filter(([, value]) => value !== undefined));
}
