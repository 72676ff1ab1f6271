import type { Json, PermissionMode } from "@kheish/contract";
import type { Driver } from "../loop/driver.ts";
import type { PlanChange } from "../ports.ts";
import type { SessionChange } from "../session-change.ts";

export const ENTER_PLAN_MODE = "enter_plan_mode";
export const EXIT_PLAN_MODE = "exit_plan_mode";

interface ToolResultParts {
  output: Json;
  is_error: boolean;
}

/** Begins or ends planning, in the commit that keeps the call's result (03-R28). */
export async function changePlanning(
  driver: Driver,
  change: SessionChange,
  wanted: PlanChange,
): Promise<ToolResultParts> {
  await driver.sessionFor(change);
  return wanted.type === "enter" ? enter(driver, change, wanted) : leave(driver, change, wanted);
}

async function enter(
  driver: Driver,
  change: SessionChange,
  { note }: Extract<PlanChange, { type: "enter" }>,
): Promise<ToolResultParts> {
  const { permission_mode: own } = change.session;
  const before = modeOf(driver, own);
  if (before === "plan") return refused("the session is in plan mode already");
  change.updateSession({
    permission_mode: "plan",
    planning: own === undefined ? {} : { restore: own },
  });
  change.emit("plan_mode_entered", {
    run_id: driver.run.id,
    pre_plan_mode: before,
    ...(note === undefined ? {} : { note }),
  });
  return {
    output: { plan_mode: true, pre_plan_mode: before, note: note ?? null, ...(await lists(driver)) },
    is_error: false,
  };
}

/** Who was put into plan mode by an operator cannot leave it. */
async function leave(
  driver: Driver,
  change: SessionChange,
  { plan, summary }: Extract<PlanChange, { type: "exit" }>,
): Promise<ToolResultParts> {
  const { planning } = change.session;
  if (planning === undefined) {
    return refused("the session is not in a plan mode that enter_plan_mode began");
  }
  change.clearSession("planning", "permission_mode");
  if (planning.restore !== undefined) change.updateSession({ permission_mode: planning.restore });
  const restored = modeOf(driver, planning.restore);
  const artifact = { plan, ...(summary === undefined ? {} : { summary }) };
  const seq = change.emit("plan_mode_left", { run_id: driver.run.id, restored, ...artifact });
  change.updateSession({ plan_seq: seq });
  return {
    output: {
      plan_mode: false,
      restored_permission_mode: restored,
      plan_artifact: { ...artifact, run_id: driver.run.id, created_at_ms: change.now },
      ...(await lists(driver)),
    },
    is_error: false,
  };
}

function modeOf({ deps }: Driver, own: PermissionMode | undefined): PermissionMode {
  return own ?? deps.permissionMode();
}

/** What the session has to do, as `todo_write` and `task_list` show it. */
async function lists({ state, deps, sessionId }: Driver): Promise<{ todos: Json[]; tasks: Json[] }> {
  const tasks = await deps.tasks.list(sessionId, undefined);
  return { todos: state.todos, tasks: tasks.value as unknown as Json[] };
}

function refused(error: string): ToolResultParts {
  return { output: { error }, is_error: true };
}
