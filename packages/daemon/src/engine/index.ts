/** The durable agent loop, as the rest of the daemon may use it. */
export * from "./commands/answer-question.ts";
export * from "./commands/create-session.ts";
export { cancelRun, endSession, interruptSession } from "./commands/end-run.ts";
export { activeRunOf, resolveApprovals } from "./commands/resolve-approvals.ts";
export { type SessionSetting, setSessionDefault } from "./commands/settings.ts";
export { submit } from "./commands/submit.ts";
export { type CommandDeps, requireRun, requireSession } from "./commands/transact.ts";
export type { KeptInputContract, KeptOutputContract } from "./contracts/contracts.ts";
export * from "./events.ts";
export { Executor, type ExecutorOptions } from "./executor.ts";
export { DEFAULT_RUN_LIMITS, type RunLimits } from "./limits.ts";
export * from "./lookup.ts";
export type { LoopDeps } from "./loop/deps.ts";
export * from "./messages.ts";
export * from "./ports.ts";
export * from "./records.ts";
export * from "./requests.ts";
export { createTimers } from "./timers.ts";
