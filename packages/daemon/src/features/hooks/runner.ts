import {
  type HookDefinition,
  type HookEvent,
  type HookInput,
  type HookOutcome,
  HookSettings,
  type Json,
} from "@kheish/contract";
import type { HookAnswer, HookPort } from "../../engine/index.ts";
import { matches } from "../../governance/hooks/matcher.ts";
import { merge } from "../../governance/hooks/merge.ts";
import { blocks } from "../../governance/hooks/outcome.ts";
import { failureMode, isSequential } from "../../governance/hooks/policy.ts";
import type { Redactor } from "../../governance/redaction/redactor.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import type { Op, Store } from "../../kernel/store.ts";
import { type HookAttempt, HookAttempts } from "./attempts.ts";
import type { HookDeadLetters, HookFailure } from "./dead-letters.ts";
import type { HookCallers } from "./executors/executor.ts";
import type { FileWatches } from "./watches/file-watches.ts";

/** The queue of calls of hooks that only watch. */
export const HOOK_QUEUE = "hook";

export interface RunnerOptions {
  store: Store;
  /** What is in force, as it is stored. */
  settings: () => HookSettings;
  callers: HookCallers;
  deadLetters: HookDeadLetters;
  clock: Clock;
  random: Random;
  redactor: Redactor;
  log: Log;
  /** What becomes of the `watch_paths` of an answer. */
  watches: Pick<FileWatches, "refusal" | "opsFor" | "told">;
  /** There is work in the queue, or will be when a commit lands. */
  onAnnounce: () => void;
}

/** What of the stored settings is in force. */
interface Usable {
  from: HookSettings;
  hooks: HookSettings["hooks"];
  usable: boolean;
  active: boolean;
}

const NOTHING: HookAnswer = { outcome: {}, ops: [] };

/** The operator's hooks, called: matched, in order or together, merged, with the failures that have to be kept. */
export class HookRunner implements HookPort {
  readonly #options: RunnerOptions;
  readonly #attempts: HookAttempts;
  #read: Usable | undefined;
  readonly counted = { executions: 0, failures: 0, retries: 0, persistFailures: 0 };

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#attempts = new HookAttempts({ ...options, onAttempt: (attempt) => this.#onAttempt(attempt) });
  }

  get active(): boolean {
    return this.#current().active;
  }

  /** False: what is stored cannot be read by this build, and no hook is called (03-R55). */
  get usable(): boolean {
    return this.#current().usable;
  }

  wants(event: HookEvent, subject: string): boolean {
    return this.#current().hooks[event]?.some(({ matcher }) => matches(matcher, subject)) === true;
  }

  announce(input: HookInput): readonly Op[] {
    this.#options.onAnnounce();
    if (input.event === "file_changed") this.#options.watches.told(input);
    return [
      {
        op: "enqueue",
        queue: HOOK_QUEUE,
        key: input.invocation_key,
        dueAtMs: 0,
        payload: input as unknown as Json,
      },
    ];
  }

  async call(input: HookInput, signal: AbortSignal): Promise<HookAnswer> {
    const { redactor, deadLetters, watches } = this.#options;
    const hooks = (this.#current().hooks[input.event] ?? [])
      .map((hook, place) => ({ hook, place }))
      .filter(({ hook }) => matches(hook.matcher, input.subject));
    // What leaves the daemon holds none of its secrets, whatever a model or a tool wrote.
    const told = redactor.json(input as unknown as Json) as unknown as HookInput;
    const failures: HookFailure[] = [];
    const answers: { hook: string; outcome: HookOutcome }[] = [];
    const one = async ({ hook, place }: { hook: HookDefinition; place: number }) => {
      const result = await this.#attempts.call(hook, place, told, signal);
      if (result.kind === "aborted") return {};
      if (result.kind === "failed") return failed(hook, result.attempts, redactor.foreignText(result.error));
      const outcome = this.#clean(result.outcome);
      const refusal = watches.refusal(outcome.watch_paths ?? []);
      return refusal === undefined ? outcome : failed(hook, 1, refusal);
    };
    const failed = (hook: HookDefinition, attempts: number, error: string): HookOutcome => {
      const mode = failureMode(input.event, hook);
      failures.push({ hook, input: told, mode, attempts, error });
      return mode === "open" ? {} : failedClosed(hook, attempts);
    };
    if (isSequential(input.event)) {
      for (const hook of hooks) {
        const outcome = await one(hook);
        answers.push({ hook: hook.hook.name, outcome });
        if (signal.aborted || blocks(input.event, outcome)) break;
      }
    } else {
      const outcomes = await Promise.all(hooks.map(one));
      answers.push(...outcomes.map((outcome, index) => ({ hook: hooks[index]?.hook.name ?? "", outcome })));
    }
    if (signal.aborted) return NOTHING;
    const outcome = merge(answers);
    const { session_id, event } = input;
    const watched =
      session_id === undefined || outcome.watch_paths === undefined
        ? { ops: [] }
        : await watches.opsFor(session_id, outcome.watch_paths);
    const [first] = hooks;
    if (watched.error !== undefined && first !== undefined) {
      const mode = failureMode(event, first.hook);
      failures.push({ hook: first.hook, input: told, mode, attempts: 1, error: watched.error });
    }
    return { outcome, ops: [...(await deadLetters.opsFor(failures)), ...watched.ops] };
  }

  /** What has to be kept of a call that leads to no other commit. Losing it is counted, and no reason to go on. */
  async keep(ops: readonly Op[]): Promise<void> {
    if (ops.length === 0) return;
    try {
      await this.#options.store.commit(ops);
    } catch (error) {
      this.counted.persistFailures += 1;
      this.#options.log.error({ err: String(error) }, "a hook's dead letter could not be kept");
    }
  }

  /** The dead letters of a call that the daemon did not survive, again and again. */
  giveUp(input: HookInput, claims: number): Promise<Op[]> {
    const { deadLetters } = this.#options;
    const hooks = (this.#current().hooks[input.event] ?? []).filter(({ matcher }) =>
      matches(matcher, input.subject),
    );
    const error = `interrupted: the daemon stopped ${claims} times while it was called`;
    return deadLetters.opsFor(
      hooks.map((hook) => ({ hook, input, mode: failureMode(input.event, hook), attempts: claims, error })),
    );
  }

  /** An operator may have anything in their hooks; what comes back goes to the journal and to models. */
  #clean(outcome: HookOutcome): HookOutcome {
    return this.#options.redactor.json(outcome as unknown as Json) as unknown as HookOutcome;
  }

  #onAttempt({ hook, input, attempt, outcome }: HookAttempt): void {
    this.counted.executions += 1;
    if (attempt > 1) this.counted.retries += 1;
    if (outcome !== "ok") this.counted.failures += 1;
    const { log } = this.#options;
    const line = {
      hook: hook.name,
      event: input.event,
      kind: `hook_${hook.executor.type}`,
      attempt,
      outcome,
    };
    if (outcome === "ok") log.debug(line, "hook called");
    else log.warn(line, "a hook could not be called");
  }

  /** Read once for each revision. */
  #current(): Usable {
    const from = this.#options.settings();
    if (this.#read?.from === from) return this.#read;
    const parsed = HookSettings.safeParse(from);
    if (!parsed.success) {
      this.#options.log.error({}, "the stored hooks cannot be read by this version: no hook is called");
    }
    const { hooks } = parsed.success ? parsed.data : { hooks: {} };
    const active = Object.values(hooks).some((list) => list.length > 0);
    this.#read = { from, hooks, usable: parsed.success, active };
    return this.#read;
  }
}

/** 03-R52. */
function failedClosed(hook: HookDefinition, attempts: number): HookOutcome {
  const times = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  return { decision: "block", stop_reason: `hook '${hook.name}' failed after ${times}` };
}
