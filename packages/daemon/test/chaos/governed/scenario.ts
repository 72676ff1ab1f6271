import { writeFile } from "node:fs/promises";
import type { BudgetView } from "@kheish/contract";
import { openOfflineSecrets } from "../../../src/offline.ts";
import { besideOf, type Given, OperatedScene } from "../operated/scene.ts";
import type { ChaosOptions } from "../options.ts";
import type { Report } from "../report.ts";
import { buildStage, type Stage, type Surroundings } from "../stage.ts";
import { Governor, SLOT } from "./governor.ts";
import { GovernedProvider, type ProviderCall } from "./provider.ts";
import { endingsOf, usedAfterRevocation } from "./verify.ts";

const MASTER_KEY = Buffer.alloc(32, 10).toString("base64");
const FIRST_KEY = "governed-key-0";
const BUDGET = "/v1/runtime/budgets/governed";
const SESSIONS = 8;
/** Calls for each run, and for what each kill cuts off: some runs find nothing left. */
const CALLS_PER_RUN = 0.7;
const CALLS_PER_KILL = 2;
const LAST_KILL = 0.85;

/**
 * Runs share a budget of model calls and the one key of a slot, while the key is rotated, slots are encrypted anew,
 * sessions are revoked and reinstated, tokens come and go, and daemons are killed. Whether that held is seen by the
 * provider, who counts what reaches it.
 */
export async function governedScenario(options: ChaosOptions, surroundings: Surroundings): Promise<Report> {
  const { runs, kills } = options;
  const stage = await buildStage(options, surroundings);
  const provider = await GovernedProvider.start(stage.dice.for("provider"));
  surroundings.cleanup.defer(() => provider.stop());
  const scene = await OperatedScene.open(options, surroundings, stage, await governed(stage, provider));
  const { admin, daemon, findings } = scene;
  const governor = new Governor(daemon.baseUrl, admin, stage.dice.for("governor"), FIRST_KEY);

  const budget = Math.ceil(runs * CALLS_PER_RUN + kills * CALLS_PER_KILL);
  await admin.ask("PUT", BUDGET, {
    scope: { kind: "daemon" },
    limits: { model_calls: budget },
    on_limit: "fail",
  });
  const sessions = await scene.createSessions(SESSIONS);
  const accepted = new Map<string, string>();
  const load = scene.forEachRun(async (run) => {
    const session = sessions[run % sessions.length] ?? "";
    const { run_id } = await scene.submit(session, `r${run}`, `the next step of session ${session}`);
    accepted.set(`r${run}`, run_id);
  });
  const killing = scene.strike({
    count: kills,
    last: LAST_KILL,
    // Calls that a kill cuts off are made again: counted, they would bring the next kill before anything was done.
    done: () => provider.answered / budget,
    strike: async (index) => {
      await daemon.kill();
      scene.say(`kill ${index + 1} of ${kills} after ${provider.calls.length} calls`);
    },
  });
  await scene.play(
    load,
    killing,
    governor.govern(sessions, () => scene.isOver),
  );

  const endings = endingsOf(accepted, await scene.runs(), findings);
  const { used, reserved } = (await admin.ask("GET", BUDGET)).body as BudgetView;
  const held = reserved?.model_calls ?? 0;
  if (held !== 0) findings.add("lost", `the budget still holds ${held} calls`);
  const late = usedAfterRevocation(provider.calls, governor);
  for (const call of late) findings.add("repeated", described(call));
  return scene.report({
    accepted: accepted.size,
    settled: endings.settled,
    completed: endings.completed,
    effects: provider.calls.length,
    takeovers: endings.takeovers,
    governed: {
      budget_calls: budget,
      calls_dispatched: provider.calls.length,
      calls_counted: used?.model_calls ?? 0,
      failed_by_budget: endings.failedByBudget,
      failed_by_revocation: endings.failedByRevocation,
      quarantined: endings.quarantined,
      rotations: governor.rotations,
      rekeys: governor.rekeys,
      revocations: governor.revocations,
      tokens_revoked: governor.tokensRevoked,
      used_after_revocation: late.length + governor.tokensUsed,
    },
  });
}

/** A master key, and the provider with its first key in its slot. */
async function governed(stage: Stage, provider: GovernedProvider): Promise<Given> {
  const routes = besideOf(stage, "routes.toml");
  await writeFile(routes, provider.routes(SLOT));
  const { stateRoot, store } = stage.place;
  const env = { KHEISH_AUTH_STORE_MASTER_KEY: MASTER_KEY };
  const secrets = await openOfflineSecrets({ stateRoot, store, access: "write" }, env);
  const state = { value: FIRST_KEY };
  await secrets.put({ slot_id: SLOT, provider: "generic", mode: "opaque_secret", state });
  await secrets.close();
  return { env, flags: ["--routes-file", routes] };
}

function described({ key, session, atMs }: ProviderCall): string {
  return `a call of ${session} with ${key} arrived at ${Math.round(atMs)} ms, after it was revoked or replaced`;
}
