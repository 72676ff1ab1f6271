import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { BudgetView, DaemonStatusView, RunView } from "@kheish/contract";
import { openOfflineSecrets } from "../../../src/offline.ts";
import { type DaemonPlace, SupervisedDaemon } from "../daemon/supervised-daemon.ts";
import type { Dice } from "../dice.ts";
import type { ChaosOptions } from "../options.ts";
import { heading, isClean, type Report, rounded } from "../report.ts";
import { buildStage, keepLog, type Surroundings } from "../stage.ts";
import { Findings } from "../verify/findings.ts";
import { Governor, SLOT } from "./governor.ts";
import { Operator } from "./operator.ts";
import { GovernedProvider, type ProviderCall } from "./provider.ts";
import { endingsOf, usedAfterRevocation } from "./verify.ts";

const ADMIN = "the-admin-token-of-this-chaos-0123456789";
const MASTER_KEY = Buffer.alloc(32, 10).toString("base64");
const FIRST_KEY = "governed-key-0";
const SESSIONS = 8;
const SUBMITTERS = 6;
/** Calls for each run, and for what each kill cuts off: some runs find nothing left. */
const CALLS_PER_RUN = 0.7;
const CALLS_PER_KILL = 2;
const SETTLE_WITHIN_MS = 300_000;
const POLL_MS = 50;
const LIST_LIMIT = 10_000;
const LAST_KILL = 0.85;
const AFTER_MS: [number, number] = [0, 60];

/**
 * Runs share a budget of model calls and the one key of a slot, while the key is rotated, slots are encrypted anew,
 * sessions are revoked and reinstated, tokens come and go, and daemons are killed. Whether that held is seen by the
 * provider, who counts what reaches it.
 */
export async function governedScenario(options: ChaosOptions, surroundings: Surroundings): Promise<Report> {
  const began = performance.now();
  const { say, cleanup } = surroundings;
  const stage = await buildStage(options, surroundings);
  const provider = await GovernedProvider.start(stage.dice.for("provider"));
  cleanup.defer(() => provider.stop());
  const daemon = await SupervisedDaemon.at(await governedPlace(stage.place, provider));
  cleanup.defer(() => daemon.dispose());
  let isFine = false;
  cleanup.defer(async () => {
    const log = isFine ? undefined : await keepLog(stage, options.seed);
    if (log !== undefined) say(`the daemon's log: ${log}`);
  });
  const admin = new Operator(daemon.baseUrl, ADMIN);
  const governor = new Governor(daemon.baseUrl, admin, stage.dice.for("governor"), FIRST_KEY);
  await daemon.start();

  const budget = Math.ceil(options.runs * CALLS_PER_RUN + options.kills * CALLS_PER_KILL);
  const path = "/v1/runtime/budgets/governed";
  await admin.ask("PUT", path, {
    scope: { kind: "daemon" },
    limits: { model_calls: budget },
    on_limit: "fail",
  });
  const sessions = Array.from({ length: Math.min(SESSIONS, options.runs) }, (_, index) => `s${index}`);
  for (const session of sessions) await admin.ask("POST", "/v1/sessions", { session_id: session });

  let isOver = false;
  const accepted = new Map<string, string>();
  const load = submitAll(options.runs, sessions, admin, accepted).then(() => settled(admin, options.runs));
  const killing = kill(options.kills, daemon, provider, budget, stage.dice.for("kills"), () => isOver, say);
  const governing = governor.govern(sessions, () => isOver);
  const findings = new Findings();
  if (!(await load)) findings.add("lost", "not all runs came to an end");
  isOver = true;
  await Promise.all([killing, governing]);
  await daemon.ready();
  say("looking at everything from outside");

  const { body: views } = await admin.ask("GET", `/v1/runs?limit=${LIST_LIMIT}`);
  const endings = endingsOf(accepted, views as RunView[], findings);
  const { used, reserved } = (await admin.ask("GET", path)).body as BudgetView;
  const held = reserved?.model_calls ?? 0;
  if (held !== 0) findings.add("lost", `the budget still holds ${held} calls`);
  const late = usedAfterRevocation(provider.calls, governor);
  for (const call of late) findings.add("repeated", described(call));
  const status = (await admin.ask("GET", "/v1/status")).body as { events: { tail_event_id_cursor: string } };
  const report: Report = {
    ...heading(options),
    accepted: accepted.size,
    settled: endings.settled,
    completed: endings.completed,
    lost: findings.count("lost"),
    repeated: findings.count("repeated"),
    stream_gaps: 0,
    stream_duplicates: 0,
    unknown_surfaced: 0,
    unknown_told_by_tool: 0,
    given_up: 0,
    effects: provider.calls.length,
    lost_acknowledgements: 0,
    kills: options.kills,
    restarts: daemon.restarts,
    failed_starts: daemon.failedStarts,
    crashes: daemon.crashes,
    takeovers: endings.takeovers,
    resumptions: 0,
    seconds_to_first_resumed_step_median: null,
    seconds_to_first_resumed_step_max: null,
    events: Number(status.events.tail_event_id_cursor),
    problems: {},
    seconds: rounded((performance.now() - began) / 1_000) ?? 0,
    governed: {
      budget_calls: budget,
      calls_dispatched: provider.calls.length,
      calls_counted: used?.model_calls ?? 0,
      failed_by_budget: endings.failedByBudget,
      failed_by_revocation: endings.failedByRevocation,
      rotations: governor.rotations,
      rekeys: governor.rekeys,
      revocations: governor.revocations,
      tokens_revoked: governor.tokensRevoked,
      used_after_revocation: late.length + governor.tokensUsed,
    },
    findings: findings.sentences,
  };
  isFine = isClean(report);
  return report;
}

/** The stage's place, with a token, a master key, and the provider's first key in its slot. */
async function governedPlace(place: DaemonPlace, provider: GovernedProvider): Promise<DaemonPlace> {
  const routes = join(place.workspace, "..", "routes.toml");
  const token = join(place.workspace, "..", "admin-token");
  await writeFile(routes, provider.routes(SLOT));
  await writeFile(token, ADMIN, { mode: 0o600 });
  const { stateRoot, store } = place;
  const env = { KHEISH_AUTH_STORE_MASTER_KEY: MASTER_KEY };
  const secrets = await openOfflineSecrets({ stateRoot, store, access: "write" }, env);
  const state = { value: FIRST_KEY };
  await secrets.put({ slot_id: SLOT, provider: "generic", mode: "opaque_secret", state });
  await secrets.close();
  const flags = ["--routes-file", routes, "--http-admin-token-file", token];
  return { ...place, env: { ...place.env, ...env }, flags };
}

/** Each run under a key of its own, until it is acknowledged. */
async function submitAll(
  runs: number,
  sessions: readonly string[],
  admin: Operator,
  accepted: Map<string, string>,
): Promise<void> {
  const left = Array.from({ length: runs }, (_, index) => index);
  const work = async () => {
    for (let run = left.shift(); run !== undefined; run = left.shift()) {
      const session = sessions[run % sessions.length] ?? "";
      const key = `r${run}`;
      const body = { content: `the next step of session ${session}` };
      const answer = await admin.ask("POST", `/v1/sessions/${session}/runs`, body, key);
      if (answer.status !== 202)
        throw new Error(`${key} is answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      accepted.set(key, (answer.body as RunView).run_id);
    }
  };
  await Promise.all(Array.from({ length: SUBMITTERS }, work));
}

async function settled(admin: Operator, runs: number): Promise<boolean> {
  const deadline = performance.now() + SETTLE_WITHIN_MS;
  while (performance.now() < deadline) {
    const { body } = await admin.ask("GET", "/v1/status");
    const { completed, failed, total } = (body as DaemonStatusView).runs;
    if (total === runs && completed + failed === runs) return true;
    await delay(POLL_MS);
  }
  return false;
}

/** SIGKILL at shares of the calls that the budget allows, a little after each. */
async function kill(
  count: number,
  daemon: SupervisedDaemon,
  provider: GovernedProvider,
  budget: number,
  dice: Dice,
  isOver: () => boolean,
  say: Surroundings["say"],
): Promise<void> {
  const shares = Array.from({ length: count }, () => dice.unit() * LAST_KILL).sort((a, b) => a - b);
  for (const [index, share] of shares.entries()) {
    while (provider.calls.length < share * budget && !isOver()) await delay(POLL_MS);
    await delay(dice.between(...AFTER_MS));
    await daemon.kill();
    say(`kill ${index + 1} of ${count} after ${provider.calls.length} calls`);
    await daemon.ready();
  }
}

function described({ key, session, atMs }: ProviderCall): string {
  return `a call of ${session} with ${key} arrived at ${Math.round(atMs)} ms, after it was revoked or replaced`;
}
