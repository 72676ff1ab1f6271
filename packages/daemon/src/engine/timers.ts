import type { Log } from "../kernel/log.ts";
import { QueueWorker } from "../kernel/queue-worker.ts";
import { expireQuestion } from "./commands/answer-question.ts";
import { wakeBudget } from "./commands/budgets.ts";
import { resumeGoal } from "./commands/goals.ts";
import { expireRule } from "./commands/permission-rules.ts";
import type { TooEarly } from "./commands/too-early.ts";
import type { CommandDeps } from "./commands/transact.ts";
import { expireApproval } from "./commands/unanswered-approvals.ts";
import { TIMER_QUEUE } from "./session-change.ts";

const LEASE_MS = 30_000;
const CONCURRENCY = 16;

/** Deadlines are queue items: they pass during downtime too, and then fire at once (01-R92, 01-R94). */
export function createTimers(deps: CommandDeps & { owner: string; log: Log }): QueueWorker {
  return new QueueWorker({
    store: deps.store,
    clock: deps.clock,
    queue: TIMER_QUEUE,
    owner: deps.owner,
    leaseMs: LEASE_MS,
    concurrency: CONCURRENCY,
    handle: async (item) => {
      const tooEarly = await fire(deps, item.key);
      return tooEarly === undefined
        ? { kind: "done" }
        : { kind: "retry", dueAtMs: tooEarly.dueAtMs, resetAttempts: true };
    },
    onError: (item, error) => deps.log.error({ timer: item?.key, err: String(error) }, "a timer failed"),
  });
}

function fire(deps: CommandDeps, key: string): Promise<TooEarly | undefined> {
  const [kind, ...rest] = key.split("/");
  if (kind === "approval") return expireApproval(deps, rest.join("/"));
  if (kind === "question") return expireQuestion(deps, rest[0] ?? "", rest.slice(1).join("/"));
  if (kind === "budget") return wakeBudget(deps, rest.join("/"));
  if (kind === "rule") return expireRule(deps, rest.join("/"));
  if (kind === "goal") return resumeGoal(deps, rest.join("/")).then(() => undefined);
  throw new Error(`no handler for timer '${key}'`);
}
