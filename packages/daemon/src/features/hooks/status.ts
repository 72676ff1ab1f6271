import type { HooksStatus } from "@kheish/contract";
import type { HookDeadLetters } from "./dead-letters.ts";
import type { HookRunner } from "./runner.ts";

/** `status.hooks`: what was counted since the start, and what stands in the store. */
export async function hooksStatus(
  runner: HookRunner,
  deadLetters: HookDeadLetters,
  configured: number,
): Promise<HooksStatus> {
  const { all, unresolved, last, lastUnresolved } = await deadLetters.counts();
  return {
    configured_count: configured,
    enabled: runner.usable,
    execution_count: runner.counted.executions,
    failure_count: runner.counted.failures,
    retry_count: runner.counted.retries,
    dead_letter_persist_failure_count: runner.counted.persistFailures,
    dead_lettered_count: all,
    unresolved_dead_lettered_count: unresolved,
    ...(last === undefined
      ? {}
      : { last_dead_letter_at_ms: last.at_ms, last_dead_letter_hook: last.hook_name }),
    ...(lastUnresolved === undefined
      ? {}
      : {
          last_unresolved_dead_letter_at_ms: lastUnresolved.at_ms,
          last_unresolved_dead_letter_hook: lastUnresolved.hook_name,
        }),
  };
}
