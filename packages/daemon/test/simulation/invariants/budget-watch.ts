import type { SessionEvents } from "../../../src/engine/index.ts";
import type { AddOp, Store } from "../../../src/kernel/store.ts";
import type { SimulatedProcess } from "../world/process.ts";
import { BUDGET_ID } from "../world/set-budget.ts";
import type { World } from "../world/world.ts";
import type { CheckName } from "./check.ts";
import type { Facts, RunFacts } from "./facts.ts";

/** Named apart from the code that names them so. */
function idOf(account: SessionEvents["budget_reserved"]["hold"]["accounts"][number]): string {
  return `${account.budget_id}/${account.counted_since_ms}/${account.window_start_ms}/${account.subject}`;
}

/** Somebody allowed it: counted by what the commit added, and once for each time that it says so. */
export function onExtension(facts: Facts, world: World, op: AddOp): void {
  const { extended_model_calls: calls = 0, extensions = 0 } = op.amounts;
  if (extensions === 0) return;
  facts.account(op.id).extended += calls;
  world.mark("budget: extended");
}

/** A call is about to leave: there must be room for it among all that ever left. */
export function onReserved(
  facts: Facts,
  world: World,
  run: RunFacts,
  { hold }: SessionEvents["budget_reserved"],
): void {
  const limit = world.plan.budget?.modelCalls ?? 0;
  if (run.held !== undefined) world.violate("budget", `${run.id} holds a second call`);
  run.holds += 1;
  run.held = hold.accounts.map(idOf);
  for (const id of run.held) {
    const account = facts.account(id);
    account.calls += 1;
    if (account.calls > limit + account.extended) {
      world.violate(
        "budget",
        `${run.id} takes call ${account.calls} of ${limit} + ${account.extended} of ${id}`,
      );
    }
  }
}

export function onSettled(world: World, run: RunFacts, { cut }: SessionEvents["budget_settled"]): void {
  if (run.held === undefined) world.violate("budget", `${run.id} settles what it does not hold`);
  delete run.held;
  if (cut) world.mark("budget: held by a call that was cut off");
}

const callsOf = new WeakMap<RunFacts, number>();

/** Seen from outside, when it happens: no run makes more calls than were reserved for it. */
export function watchModelCall(world: World, facts: Facts, process: SimulatedProcess, runId: string): void {
  if (world.plan.budget === undefined) return;
  const run = facts.run(runId);
  const calls = (callsOf.get(run) ?? 0) + 1;
  callsOf.set(run, calls);
  if (calls > run.holds) {
    world.violate("budget", `${process.name} makes call ${calls} of ${runId}, which reserved ${run.holds}`);
  }
}

type Violate = (check: CheckName, detail: string) => void;

/** When all runs are at an end nothing is held, and every call that was ever reserved is counted as used. */
export async function checkBudget(world: World, facts: Facts, store: Store, violate: Violate): Promise<void> {
  const { budget } = world.plan;
  if (budget === undefined) return;
  const accounts = await store.list<Record<string, number>>("budget_sums", {
    index: "budget",
    prefix: [BUDGET_ID],
    limit: 1_000,
  });
  for (const { id, data } of accounts) {
    for (const [name, sum] of Object.entries(data)) {
      if (name.startsWith("reserved_") && sum !== 0) violate("budget", `${id} still holds ${sum} ${name}`);
    }
    const { calls, extended } = facts.account(id);
    const used = (data.taken_model_calls ?? 0) + (data.extended_model_calls ?? 0);
    if (used !== calls || (data.extended_model_calls ?? 0) !== extended) {
      violate(
        "budget",
        `${id} counts ${used} calls, extended by ${data.extended_model_calls}; it was ${calls} and ${extended}`,
      );
    }
  }
  const counted = accounts.map(({ id }) => id);
  const lost = [...facts.accounts.keys()].filter((id) => !counted.includes(id));
  if (budget.window === "total" && lost.length > 0) violate("budget", `${lost.join(", ")} is gone`);
}
