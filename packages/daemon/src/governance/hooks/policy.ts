import type { HookDefinition, HookEvent, HookExecutor } from "@kheish/contract";

/** Called one after the other, until one blocks (03-R44); those of all other events are called together. */
const SEQUENTIAL: ReadonlySet<HookEvent> = new Set([
  "pre_tool_use",
  "post_tool_use",
  "post_tool_use_failure",
  "pre_compact",
  "permission_request",
  "setup",
  "session_start",
  "stop",
  "user_prompt_submit",
  "subagent_start",
  "config_change",
  "worktree_create",
  "instructions_loaded",
]);

/** A guard that cannot be asked has not agreed (03-A3). */
const GUARDED: ReadonlySet<HookEvent> = new Set([
  "pre_tool_use",
  "permission_request",
  "user_prompt_submit",
  "pre_compact",
  "elicitation",
]);

/** 03, executors: milliseconds for all attempts together (03-R51). */
const DEFAULT_TIMEOUT_MS: Record<HookExecutor["type"], number> = {
  command: 5_000,
  http: 5_000,
  prompt: 15_000,
  agent: 30_000,
  callback: 15_000,
};

/** How many calls of one kind are under way at one time (03-R56). */
export const CONCURRENCY: Record<HookExecutor["type"], number> = {
  command: 64,
  http: 64,
  prompt: 16,
  agent: 8,
  callback: 128,
};

export function isSequential(event: HookEvent): boolean {
  return SEQUENTIAL.has(event);
}

/** What a hook's failure comes to: what is said explicitly wins (03-A3). */
export function failureMode(event: HookEvent, hook: HookDefinition): "open" | "closed" {
  return hook.failure_policy.mode ?? (GUARDED.has(event) ? "closed" : "open");
}

export function timeoutMs(executor: HookExecutor): number {
  return executor.timeout_ms ?? DEFAULT_TIMEOUT_MS[executor.type];
}

const BACKOFF_MS = [50, 100, 200];
const JITTER_MS = 24;

/** How long to wait before attempt `next` (2, 3, 4), with a jitter from 0 to 1 (03-R51). */
export function backoffMs(next: number, jitter: number): number {
  return (BACKOFF_MS[next - 2] ?? 200) + Math.floor(jitter * (JITTER_MS + 1));
}
