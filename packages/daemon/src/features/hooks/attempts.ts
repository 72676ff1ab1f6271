import type { HookDefinition, HookExecutor, HookInput, HookOutcome, Json } from "@kheish/contract";
import { digest } from "../../engine/index.ts";
import { type Parsed, parseText, parseValue } from "../../governance/hooks/outcome.ts";
import { backoffMs, CONCURRENCY, timeoutMs } from "../../governance/hooks/policy.ts";
import { type Clock, sleep, type Timer } from "../../kernel/clock.ts";
import type { Random } from "../../kernel/random.ts";
import { Slots } from "../../tools/slots.ts";
import { type Attempt, type Failed, failed, type HookCall, type HookCallers } from "./executors/executor.ts";

/** What a call that was told to stop gets to end (03, Limits and defaults). */
const GRACE_MS = 250;

export type HookResult =
  | { kind: "answered"; outcome: HookOutcome }
  | { kind: "failed"; error: string; attempts: number }
  /** Whoever asked does not wait any more. */
  | { kind: "aborted" };

/** One attempt, as it came out. */
export interface HookAttempt {
  hook: HookDefinition;
  input: HookInput;
  attempt: number;
  /** `ok`, or the class of the failure (02-R74). */
  outcome: string;
}

export interface AttemptDeps {
  callers: HookCallers;
  clock: Clock;
  random: Random;
  onAttempt: (attempt: HookAttempt) => void;
}

/** Calls single hooks: attempts within one budget of time (03-R51), so many of a kind at one time (03-R56). */
export class HookAttempts {
  readonly #deps: AttemptDeps;
  readonly #slots = new Map(
    Object.entries(CONCURRENCY).map(([type, count]) => [type as HookExecutor["type"], new Slots(count)]),
  );

  constructor(deps: AttemptDeps) {
    this.#deps = deps;
  }

  /** `place`: where among the event's hooks it stands. */
  async call(
    hook: HookDefinition,
    place: number,
    input: HookInput,
    signal: AbortSignal,
  ): Promise<HookResult> {
    const slots = this.#slots.get(hook.executor.type);
    if (signal.aborted || slots === undefined) return { kind: "aborted" };
    try {
      return await slots.run(signal, () =>
        this.#within(hook, executionKey(hook, place, input), input, signal),
      );
    } catch (error) {
      if (signal.aborted) return { kind: "aborted" };
      throw error;
    }
  }

  async #within(
    hook: HookDefinition,
    executionKey: string,
    input: HookInput,
    signal: AbortSignal,
  ): Promise<HookResult> {
    const { clock } = this.#deps;
    const told = new AbortController();
    const abandoned = Promise.withResolvers<Failed>();
    let grace: Timer | undefined;
    const tell = (reason: unknown) => {
      told.abort(reason);
      grace ??= clock.schedule(GRACE_MS, () => abandoned.resolve(timedOut(hook)));
    };
    const timer = clock.schedule(timeoutMs(hook.executor), () =>
      tell(new DOMException("the hook's time is up", "TimeoutError")),
    );
    const onAbort = () => tell(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.#attempts(
        hook,
        { executionKey, input, signal, told: told.signal },
        abandoned.promise,
      );
    } finally {
      timer.cancel();
      grace?.cancel();
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #attempts(
    hook: HookDefinition,
    call: { executionKey: string; input: HookInput; signal: AbortSignal; told: AbortSignal },
    abandoned: Promise<Failed>,
  ): Promise<HookResult> {
    const { clock, random } = this.#deps;
    for (let attempt = 1; ; attempt++) {
      const answer = await Promise.race([this.#once(hook, call, attempt), abandoned]);
      if (call.signal.aborted) return { kind: "aborted" };
      const read = call.told.aborted ? timedOut(hook) : outcomeOf(answer);
      this.#report(hook, call.input, attempt, read);
      if (!("class" in read)) return { kind: "answered", outcome: read };
      if (!read.retryable || attempt > hook.failure_policy.max_retries) {
        return { kind: "failed", error: `${read.class}: ${read.error}`, attempts: attempt };
      }
      const waitMs = Math.max(backoffMs(attempt + 1, random.unit()), read.retryAfterMs ?? 0);
      await sleep(clock, waitMs, call.told);
      if (call.signal.aborted) return { kind: "aborted" };
      if (call.told.aborted) {
        return { kind: "failed", error: `timeout: no time was left after ${read.class}`, attempts: attempt };
      }
    }
  }

  /**
   * The one place where a hook's call leaves the daemon and its answer comes back.
   * A caller that throws has a bug; the hook has failed all the same (03-R52).
   */
  async #once(
    hook: HookDefinition,
    { executionKey, input, told }: { executionKey: string; input: HookInput; told: AbortSignal },
    attempt: number,
  ): Promise<Attempt> {
    const { executor } = hook;
    const caller = this.#deps.callers[executor.type] as
      | ((call: Omit<HookCall, "executor"> & { executor: HookExecutor }) => Promise<Attempt>)
      | undefined;
    if (caller === undefined) {
      return failed("internal", `this daemon cannot call ${executor.type} hooks`);
    }
    try {
      return await caller({ executor, input, executionKey, attempt, signal: told });
    } catch (error) {
      return failed(
        "internal",
        `calling it failed (${error instanceof Error ? error.name : "unknown error"})`,
      );
    }
  }

  #report(hook: HookDefinition, input: HookInput, attempt: number, read: HookOutcome | Failed): void {
    this.#deps.onAttempt({
      hook,
      input,
      attempt,
      outcome: "class" in read ? `failed:${read.class}` : "ok",
    });
  }
}

function timedOut({ executor }: HookDefinition): Failed {
  return failed("timeout", `it took more than ${timeoutMs(executor)} ms`);
}

/** 32 hex, the same for one hook and one invocation, whoever calls it and how often (03-R50). */
export function executionKey(hook: HookDefinition, place: number, input: HookInput): string {
  return digest([
    input.invocation_key,
    input.event,
    place,
    hook.name,
    hook.executor as unknown as Json,
  ]).slice(0, 32);
}

function outcomeOf(answer: Attempt): HookOutcome | Failed {
  if (answer.kind === "failed") return answer;
  const parsed: Parsed = answer.kind === "text" ? parseText(answer.text) : parseValue(answer.value);
  return parsed.ok ? parsed.outcome : failed("decode", parsed.error);
}
