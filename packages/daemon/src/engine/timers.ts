import type { Log } from "../kernel/log.ts";
import { QueueWorker } from "../kernel/queue-worker.ts";
import { expireQuestion } from "./commands/answer-question.ts";
import { resumeGoal } from "./commands/goals.ts";
import { expireApproval } from "./commands/resolve-approvals.ts";
import type { CommandDeps } from "./commands/transact.ts";
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
      await fire(deps, item.key);
      return { kind: "done" };
    },
    onError: (item, error) => deps.log.error({ timer: item?.key, err: String(error) }, "a timer failed"),
  });
}

async function fire(deps: CommandDeps, key: string): Promise<void> {
  const [kind, ...rest] = key.split("/");
  if (kind === "approval") await expireApproval(deps, rest.join("/"));
  else if (kind === "question") await expireQuestion(deps, rest[0] ?? "", rest.slice(1).join("/"));
  else if (kind === "goal") await resumeGoal(deps, rest.join("/"));
  else throw new Error(`no handler for timer '${key}'`);
}
