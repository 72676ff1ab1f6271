import { subscribe } from "node:diagnostics_channel";
import type { ModelPort, Tool, ToolOutcome, ToolPort } from "../../engine/index.ts";
import { overriding } from "../../kernel/overriding.ts";
import type { CommitOptions, Op, Store } from "../../kernel/store.ts";
import { FLUSH_CHANNEL, type Flush, SYNC_CHANNEL, type Sync } from "../../kernel/store-channels.ts";
import type { Meter, ToolCallSample } from "./meter.ts";

/** Milliseconds of a clock that only goes forward, to a fraction. */
export type Stopwatch = () => number;
/** The meter that is read now; undefined while nobody reads one. */
export type MeterInUse = () => Meter | undefined;

/** A store whose commits are timed. */
export function observedStore(store: Store, meter: MeterInUse, now: Stopwatch): Store {
  return overriding<Store>(store, {
    async commit(ops, options) {
      const used = meter();
      if (used === undefined) return store.commit(ops, options);
      const begun = now();
      const isStep = isStepOfRun(ops, options);
      try {
        const result = await store.commit(ops, options);
        used.commit((now() - begun) / 1000, result.ok ? "committed" : "refused", isStep && result.ok);
        return result;
      } catch (error) {
        used.commit((now() - begun) / 1000, "failed", false);
        throw error;
      }
    },
  });
}

/** What a run's driver writes to the journal, under the session's lease or while taking it. */
function isStepOfRun(ops: readonly Op[], options: CommitOptions | undefined): boolean {
  const isDriver = options?.fence !== undefined || ops.some(({ op }) => op === "acquire-lease");
  return isDriver && ops.some(({ op }) => op === "append");
}

export function observedModels<T extends ModelPort>(models: T, meter: MeterInUse, now: Stopwatch): T {
  const call: ModelPort["call"] = async (request, options) => {
    const begun = now();
    const outcome = await models.call(request, options);
    const usage = outcome.ok ? outcome.message.usage : undefined;
    meter()?.modelCall({
      route: request.route.route_id,
      provider: request.route.driver,
      outcome: outcome.ok ? "ok" : outcome.error.class,
      seconds: (now() - begun) / 1000,
      inputTokens: usage?.input_tokens ?? 0,
      outputTokens: usage?.output_tokens ?? 0,
    });
    return outcome;
  };
  return overriding<T>(models, { call } as Partial<T>);
}

export function observedTools(tools: ToolPort, meter: MeterInUse, now: Stopwatch): ToolPort {
  const observed = new WeakMap<Tool, Tool>();
  const observe = (tool: Tool): Tool => {
    const known = observed.get(tool);
    if (known !== undefined) return known;
    const made = overriding<Tool>(tool, {
      async execute(input, context) {
        const begun = now();
        const sample = (outcome: ToolCallSample["outcome"]) =>
          meter()?.toolCall({ effect: tool.effect, outcome, seconds: (now() - begun) / 1000 });
        try {
          const result = await tool.execute(input, context);
          sample(outcomeOf(result));
          return result;
        } catch (error) {
          sample("threw");
          throw error;
        }
      },
    });
    observed.set(tool, made);
    return made;
  };
  return overriding<ToolPort>(tools, {
    get: (name) => {
      const tool = tools.get(name);
      return tool && observe(tool);
    },
  });
}

function outcomeOf(outcome: ToolOutcome): "ok" | "error" | "asked" {
  if (outcome.kind === "ask") return "asked";
  const failed = outcome.kind === "lost" || (outcome.kind === "result" && outcome.is_error);
  return failed ? "error" : "ok";
}

/** What the stores of this process do below their commits. */
export function observeFlushes(meter: Meter): void {
  subscribe(FLUSH_CHANNEL, (flush) => {
    const { ms, commits } = flush as Flush;
    meter.flush(ms / 1000, commits);
  });
  subscribe(SYNC_CHANNEL, (sync) => meter.sync((sync as Sync).ms / 1000));
}
