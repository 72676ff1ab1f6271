import { isTerminal } from "@kheish/contract";
import { sessionStream } from "../../../src/engine/index.ts";
import type { Store, StoredEvent } from "../../../src/kernel/store.ts";
import type { Watcher } from "../clients/watcher.ts";
import type { World } from "../world/world.ts";
import { checkAudit } from "./audit.ts";
import { checkBudget } from "./budget-watch.ts";
import type { CheckName } from "./check.ts";
import type { CallFacts, Facts } from "./facts.ts";
import { checkHooks } from "./hook-watch.ts";
import { checkLaws } from "./law-watch.ts";
import { runsIn, submissionOf } from "./outcomes.ts";
import { checkRules } from "./rule-watch.ts";
import { checkSettings } from "./settings.ts";
import { checkSkills } from "./skill-watch.ts";
import { checkTasks } from "./task-watch.ts";

/** What a daemon at rest may have planned: its polls, its lease renewal, and the reads that these are in. */
const MOST_TIMERS = 12;
const MANY = 100_000;

type Violate = (check: CheckName, detail: string) => void;

/** What must hold when all has settled. */
export async function checkEnd(world: World, facts: Facts, watchers: readonly Watcher[]): Promise<void> {
  const { store } = world;
  if (store === undefined) {
    world.violate("settles", "no daemon is left");
    return;
  }
  const violate: Violate = (check, detail) => world.violate(check, detail);
  const journal = await store.readAll({ afterPosition: 0, limit: MANY });
  await checkSubmissions(world, facts, store, violate);
  await checkRuns(facts, store, violate);
  await checkSettings(facts, store, violate);
  await checkRules(facts, store, violate);
  checkLaws(world, facts, violate);
  await checkSkills(facts, store, violate);
  for (const call of facts.calls.values()) checkCall(world, call, violate);
  checkJournal(facts, journal, violate);
  await checkBudget(world, facts, store, violate);
  checkAudit(facts, journal, world.scheduler.now, (detail) => violate("audit", detail));
  await checkHooks(world, facts, store);
  await checkTasks(world, facts, store);
  for (const watcher of watchers) {
    const difference = watcher.difference(journal);
    if (difference !== undefined) violate("streams", difference);
  }
  await checkNothingLeft(world, store, violate);
}

async function checkSubmissions(world: World, facts: Facts, store: Store, violate: Violate): Promise<void> {
  const runs = new Map<string, string[]>();
  for (const run of await runsIn(store)) {
    const submission = submissionOf(run);
    if (submission !== undefined) runs.set(submission, [...(runs.get(submission) ?? []), run.id]);
  }
  for (const { id, keyed } of world.plan.submissions) {
    const made = runs.get(id) ?? [];
    const told = [...(facts.acknowledged.get(id) ?? [])];
    if (told.length > 1) violate("idempotency", `${id} was answered with ${told.join(" and ")}`);
    if (made.length > 1) violate("accepted", `${id} has ${made.length} runs: ${made.join(", ")}`);
    if (told[0] !== undefined && made[0] !== told[0]) {
      violate("acknowledged", `${id} was acknowledged as ${told[0]}, stored is ${made[0] ?? "nothing"}`);
    }
    const refused = facts.heard.has(id) ? undefined : facts.refused.get(id);
    if (refused !== undefined && made.length > 0) {
      violate("accepted", `${id} was refused (${refused}) and has a run`);
    }
    if (keyed && refused === undefined && made.length === 0) violate("accepted", `${id} has no run`);
  }
}

async function checkRuns(facts: Facts, store: Store, violate: Violate): Promise<void> {
  const runs = await runsIn(store);
  for (const run of runs) {
    const { status, finished_seq: finished, accepted_seq: accepted } = run.data;
    const known = facts.run(run.id);
    if (!isTerminal(status)) violate("settles", `${run.id} is ${status}`);
    if (finished !== known.endedSeq || accepted !== known.acceptedSeq || status !== known.status) {
      violate(
        "record",
        `${run.id} says ${status} at ${finished}, its events ${known.status} at ${known.endedSeq}`,
      );
    }
  }
  if (runs.length !== facts.runs.size)
    violate("record", `${facts.runs.size} runs in events, ${runs.length} in records`);
}

function checkCall(world: World, call: CallFacts, violate: Violate): void {
  const { id, effect, finished } = call;
  const times = world.outside.count(id);
  if (finished === undefined) {
    violate("ledger", `${id} (${effect ?? "never left"}) has no end`);
    return;
  }
  const { ledger, output, isError } = finished;
  if (ledger === "denied" && times > 0) violate("ledger", `${id} was denied and done`);
  if (ledger === "settled" && times === 0 && call.tool !== "ask_user_question" && call.tool !== "begin") {
    violate("ledger", `${id} is settled and was never done`);
  }
  if (ledger === "unknown" && !(isError && JSON.stringify(output).includes("interrupted"))) {
    violate("ledger", `${id} is unknown, and what the model was told does not say so`);
  }
  // An operator may say what became of it; nobody else can.
  const isSaid = ledger === "unknown" || ledger === "reconciled";
  if (world.remote?.unanswered.has(id) === true && effect === "once" && !isSaid)
    violate("ledger", `${id} had no answer, and is ${ledger}`);
  if (ledger === "unknown" && isUndisturbed(world))
    violate("ledger", `${id} is unknown, though nothing went wrong`);
}

/** A clock that is put right may jump beyond a claim, which is then taken over as if its holder were dead. */
function isUndisturbed({ plan }: World): boolean {
  const { writesFail, writesUnheard, readsFail, skewMs } = plan.weather;
  if (plan.remote !== undefined) return false;
  return (
    plan.deaths.length + plan.interventions.length + writesFail + writesUnheard + readsFail + skewMs === 0
  );
}

function checkJournal(facts: Facts, journal: readonly StoredEvent[], violate: Violate): void {
  const heads = new Map<string, number>();
  let last = 0;
  for (const { stream, seq, position } of journal) {
    const expected = (heads.get(stream) ?? 0) + 1;
    if (seq !== expected) violate("journal", `${stream} has ${seq} where ${expected} should be`);
    if (position <= last) violate("journal", `position ${position} after ${last}`);
    heads.set(stream, seq);
    last = position;
  }
  for (const [stream, head] of facts.streams) {
    if (heads.get(stream) !== head)
      violate("journal", `${stream} was written to ${head}, stored to ${heads.get(stream)}`);
  }
}

/** "Nothing grows that should not": what served work that is over is gone. */
async function checkNothingLeft(world: World, store: Store, violate: Violate): Promise<void> {
  for (const { id } of world.plan.sessions) {
    if ((await store.getItem("session", id)) !== undefined)
      violate("growth", `session ${id} is still queued`);
    if ((await store.getLease(`session/${id}`)) !== undefined)
      violate("growth", `session ${id} is still leased`);
    const [session] = await store.getMany<{ queued_count: number }>("session", [id]);
    if (session !== undefined && session.data.queued_count !== 0)
      violate("growth", `${id} counts queued runs`);
  }
  for (const kind of ["approval", "question"]) {
    const left = await store.count(kind, { index: "pending" });
    if (left > 0) violate("waits", `${left} ${kind}s are still asked`);
  }
  for (const queue of ["session", "session-judge", "timer"]) {
    const dead = await store.deadLetters(queue, 1);
    if (dead.length > 0) violate("growth", `${queue} has a dead letter: ${JSON.stringify(dead)}`);
  }
  const due = await store.nextDueAt("timer");
  if (due !== undefined && due < world.scheduler.now)
    violate("expiry", `a timer is ${world.scheduler.now - due} ms late`);
  for (const process of world.processes) {
    const timers = process.alive ? world.scheduler.pendingOf(process) : 0;
    if (timers > MOST_TIMERS) violate("growth", `${process.name} has ${timers} timers when all is over`);
  }
}

/** Starts everything once more on what there is: nothing is left to recover. */
export async function checkRecovery(world: World, settle: () => Promise<void>): Promise<void> {
  const before = await heads(world);
  for (const process of world.processes) world.kill(process, "restarted at the end");
  await settle();
  const after = await heads(world);
  if (world.violation === undefined && before !== after) {
    world.violate("recovery", `recovering again changed ${before} into ${after}`);
  }
}

async function heads(world: World): Promise<string> {
  const { store } = world;
  if (store === undefined) return "no store";
  const streams = world.plan.sessions.map(
    async ({ id }) => `${id}:${await store.streamHead(sessionStream(id))}`,
  );
  return (await Promise.all(streams)).join(" ");
}
