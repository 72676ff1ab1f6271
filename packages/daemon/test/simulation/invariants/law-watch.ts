import { RULE_STREAM } from "../../../src/engine/index.ts";
import type { Op } from "../../../src/kernel/store.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import type { CheckName } from "./check.ts";
import type { Facts, Law } from "./facts.ts";

type Violate = (check: CheckName, detail: string) => void;

/** Whoever has not heard of another daemon's change by then, has not listened. */
const LATE_MS = 3_000;
/** The same where the store does not let everybody hear at once. */
const LATE_IF_DEAF_MS = 10_000;
/** A rule that is still there so long after its end has been forgotten. */
const FORGOTTEN_MS = 10_000;

/** The daemon's rules after each commit that changes them; revisions follow one another. */
export function watchLaws(world: World, facts: Facts, process: SimulatedProcess, ops: readonly Op[]): void {
  const { laws } = facts;
  for (const op of ops) {
    if (op.op !== "put" && op.op !== "delete") continue;
    if (op.kind !== "permission_rule") continue;
    const before = laws.latest.get(op.id);
    if (op.op === "put") {
      const law = op.data as unknown as Law & { session_id?: string };
      if (law.session_id !== undefined) continue;
      const revision = (before?.revision ?? 0) + 1;
      laws.written.push({ id: law.reason ?? "", revision });
      laws.change(process.name, world.scheduler.now, (rules) => rules.set(op.id, { ...law, revision }));
    } else if (before !== undefined) {
      if (causeIn(ops) === "expired") checkEnded(world, before);
      laws.change(process.name, world.scheduler.now, (rules) => rules.delete(op.id));
    }
  }
}

function causeIn(ops: readonly Op[]): string | undefined {
  const said = ops.find((op) => op.op === "append" && op.stream === RULE_STREAM);
  const [event] = said?.op === "append" ? said.events : [];
  return (event?.data as { cause?: string } | undefined)?.cause;
}

function checkEnded(world: World, { rule_id, expires_at_ms: ends = Infinity }: Law): void {
  world.mark("law: expired");
  if (isSkewed(world) || ends <= world.scheduler.now) return;
  world.violate("expiry", `rule ${rule_id} is taken back ${ends - world.scheduler.now} ms before its end`);
}

/** A clock that is wrong is wrong about deadlines, too. */
function isSkewed({ plan }: World): boolean {
  return plan.weather.skewMs > 0 || plan.interventions.some(({ kind }) => kind === "step_clock");
}

/**
 * The sets of the daemon's rules that a call may have been judged by which is said to have been judged at `atMs`: those
 * that came into force since, and the last one before that its daemon must have known of. That is what there was when it
 * booted, what it was told itself, and soon enough what others were told.
 */
export function lawsKnownTo(
  world: World,
  { laws }: Facts,
  process: SimulatedProcess,
  atMs: number,
): readonly ReadonlyMap<string, Law>[] {
  let first = laws.bootedAt.get(process.name) ?? 0;
  const { writeMs, writesUnheard, readsFail } = world.plan.weather;
  const lateMs = readsFail > 0 ? LATE_IF_DEAF_MS : LATE_MS;
  for (const [index, { by, landedMs }] of laws.versions.entries()) {
    if (index <= first || isSkewed(world)) continue;
    const sinceMs = Math.max(landedMs, world.troubledUntilMs);
    const isTold = by === process.name && writesUnheard === 0 && atMs > sinceMs + writeMs + 1;
    if (isTold || atMs > sinceMs + lateMs) first = index;
  }
  return laws.versions.slice(first).map(({ rules }) => rules);
}

/** What these rules make of a call of `bash`; undefined: nothing (03-R20). */
export function verdictOfRules(rules: ReadonlyMap<string, Law>, atMs: number): Law | undefined {
  const inForce = [...rules.values()].filter(({ expires_at_ms: ends = Infinity }) => ends > atMs);
  return inForce.toSorted(
    (one, other) =>
      one.scope.localeCompare(other.scope) ||
      Number(one.tool_name_pattern !== "bash") - Number(other.tool_name_pattern !== "bash") ||
      one.order - other.order,
  )[0];
}

/** What was acknowledged is there once, made from the revision that its author knew, and nothing has outlived its end. */
export function checkLaws({ scheduler }: World, { laws }: Facts, violate: Violate): void {
  for (const { id, known, revision } of laws.acknowledged) {
    const made = laws.written.filter((one) => one.id === id);
    if (made.length === 1 && made[0]?.revision === revision && revision === known + 1) continue;
    const where = made.map((one) => one.revision).join(" and ") || "nowhere";
    violate("rules", `${id} was acknowledged as revision ${revision} after ${known} and is ${where}`);
  }
  for (const { rule_id, expires_at_ms: ends = Infinity } of laws.latest.values())
    if (ends < scheduler.now - FORGOTTEN_MS)
      violate("expiry", `rule ${rule_id} is there ${scheduler.now - ends} ms after its end`);
}
