import type { Json } from "@kheish/contract";
import type { Dice } from "../dice.ts";

export type CallKind = "read" | "idempotent" | "once" | "checked" | "bash" | "question" | "deaf";

/** One call of a script. Its label is its call id, so that journal, world and plan speak of the same thing. */
export interface PlannedCall {
  label: string;
  kind: CallKind;
}

export interface PlannedRun {
  session: string;
  /** Sent again under this key until somebody acknowledges it. */
  key: string;
  calls: PlannedCall[];
  script: string;
}

/** The file in the workspace that shell commands append to. */
export const SHELL_LEDGER = "ledger";

const RUNS_A_SESSION = 4;

type Turn = Record<string, Json>;

/** Runs of a few turns each, several queued in a session, whose calls mix every effect class and both waits. */
export function planRuns(count: number, dice: Dice): PlannedRun[] {
  const sessions = Math.max(1, Math.ceil(count / RUNS_A_SESSION));
  return Array.from({ length: count }, (_, index) =>
    planRun(`r${index}`, `s${index % sessions}`, dice.for(`run ${index}`)),
  );
}

export function planRun(name: string, session: string, dice: Dice): PlannedRun {
  const calls: PlannedCall[] = [];
  const turns = Array.from({ length: dice.between(3, 6) }, (_, turn): Turn => {
    const made = Array.from({ length: dice.between(1, 4) }, (_, index) => ({
      label: `${name}.${turn}.${index}`,
      kind: kindOf(dice),
    }));
    calls.push(...made);
    return {
      text: `turn ${turn}`,
      chunks: dice.between(1, 3),
      delay_ms: dice.between(0, 60),
      tool_calls: made.map((call) => scripted(call, dice)),
    };
  });
  return planned(name, session, calls, [...turns, { text: "done" }]);
}

/** A run whose one call is held by the world, so that it is surely alive. */
export function planHeldRun(name: string, session: string, kind: CallKind): PlannedRun {
  const call = { label: `${name}.0.0`, kind };
  const turns = [{ tool_calls: [scripted(call, undefined)] }, { text: "done" }];
  return planned(name, session, [call], turns);
}

/** A run that waits for its model. */
export function planThinkingRun(name: string, session: string, thinksMs: number): PlannedRun {
  return planned(name, session, [], [{ text: "thought long", delay_ms: thinksMs }]);
}

function planned(name: string, session: string, calls: PlannedCall[], turns: Turn[]): PlannedRun {
  return { session, key: `chaos-${name}`, calls, script: JSON.stringify({ simulate: turns }) };
}

function kindOf(dice: Dice): CallKind {
  return dice.pick([
    "read",
    "read",
    "idempotent",
    "idempotent",
    "once",
    "once",
    "checked",
    "checked",
    dice.pick(["bash", "bash", "question"]),
  ]);
}

/** Without dice the world holds the call. */
function scripted({ label, kind }: PlannedCall, dice: Dice | undefined): Json {
  if (kind === "bash") {
    const seconds = ((dice?.between(0, 40) ?? 0) / 1_000).toFixed(3);
    return {
      id: label,
      name: "bash",
      input: { command: `sleep ${seconds}; echo ${label} >> ${SHELL_LEDGER}` },
    };
  }
  if (kind === "question") {
    const options = [{ label: "Yes" }, { label: "No" }];
    return { id: label, name: "ask_user_question", input: { question: `Go on with ${label}?`, options } };
  }
  return { id: label, name: `chaos_${kind}`, input: { label, hold: dice === undefined } };
}
