/** The durable agent loop, as the rest of the daemon may use it. */
export type * from "./audit-port.ts";
export { AuditRefused } from "./audit-refused.ts";
export type { CallPlace } from "./budgets/account.ts";
export { BUDGET_STREAM, BudgetBook } from "./budgets/book.ts";
export { type OpenAccount, openAccounts } from "./budgets/open-accounts.ts";
export { isExhausted, useOf } from "./budgets/say.ts";
export * from "./commands/answer-question.ts";
export {
  deleteBudget,
  keepModelBudget,
  requireBudget,
  setBudget,
  unpricedRoutes,
} from "./commands/budgets.ts";
export * from "./commands/create-session.ts";
export { cancelRun, endSession, interruptSession } from "./commands/end-run.ts";
export { clearGoal, patchGoal, rearmGoals, setGoal } from "./commands/goals.ts";
export {
  deleteDaemonRule,
  deleteSessionRule,
  newRuleId,
  ruleView,
  setDaemonRule,
  setSessionRule,
} from "./commands/permission-rules.ts";
export { bindPersona, clearPersona } from "./commands/persona.ts";
export { activeRunOf, resolveApprovals, runOfApprovals } from "./commands/resolve-approvals.ts";
export { normalizeScope, routeAllowed } from "./commands/scopes.ts";
export { type SessionSetting, setSessionDefault } from "./commands/settings.ts";
export { activateSkill, deactivateSkill, unknownSkill } from "./commands/skills.ts";
export { type Submitted, submit } from "./commands/submit.ts";
export { type CommandDeps, requireRun, requireSession, type Starter, transact } from "./commands/transact.ts";
export { promptOfTurn } from "./context/rebuild.ts";
export type { KeptInputContract, KeptOutputContract } from "./contracts/contracts.ts";
export * from "./events.ts";
export { Executor, type ExecutorOptions } from "./executor.ts";
export { adminAction } from "./external-actions.ts";
export { remainingTokens } from "./goals/goal.ts";
export * from "./hooks/port.ts";
export { KnownSessions } from "./known-sessions.ts";
export { digest } from "./ledger.ts";
export { DEFAULT_RUN_LIMITS, type RunLimits } from "./limits.ts";
export * from "./lookup.ts";
export type { LoopDeps } from "./loop/deps.ts";
export { LEASE_MS } from "./loop/session-lease.ts";
export { StateCache } from "./loop/state-cache.ts";
export { isVisible, isWithinScope, SEARCH_TOOLS, unavailable } from "./loop/visible-tools.ts";
export * from "./messages.ts";
export { inForce } from "./permissions/in-force.ts";
export { RULE_STREAM, RuleBook } from "./permissions/rule-book.ts";
export { listRules } from "./permissions/rule-records.ts";
export * from "./ports.ts";
export * from "./records.ts";
export * from "./requests.ts";
export * from "./scopes/narrow.ts";
export { JUDGE_QUEUE, judgeSessionId, SESSION_QUEUE, TIMER_QUEUE } from "./session-change.ts";
export { shownSkills } from "./skills/active.ts";
export type * from "./skills/port.ts";
export { TaskBook } from "./tasks/book.ts";
export { tellTasks, toldTask, untoldTasks } from "./tasks/notice.ts";
export type * from "./tasks/port.ts";
export { endedShellTask, type ShellEnd, shellLease, withMetadata } from "./tasks/shell-task.ts";
export { createTimers } from "./timers.ts";
export { ZERO_USAGE } from "./usage.ts";
