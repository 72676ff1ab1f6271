import type { AssistantPart, UserMessage } from "../../engine/messages.ts";
import type { ModelCallOptions, ModelRequest } from "../../engine/ports.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { AttemptOutcome, Driver } from "../driver.ts";
import type { DeadlineLimits } from "../drivers/deadline.ts";
import { cancelled, classOfStatus, failure } from "../failure.ts";
import { summarise } from "./compaction.ts";
import { readConversation } from "./conversation.ts";
import { FailureCounts } from "./failure-counts.ts";
import { Patience, UNLIMITED } from "./patience.ts";
import { echoScenario, type ParsedScript, parseScript } from "./script.ts";
import { defaultCallId, say, type Turn } from "./turn.ts";
import { countUsage } from "./usage.ts";

const PAST_THE_END: Turn = say("done");

/** The model that does exactly what it is told (spec 09). */
export class SimulatorDriver implements Driver {
  readonly #clock: Clock;
  readonly #limits: DeadlineLimits;
  readonly #failures = new FailureCounts();
  /** A script is parsed once a conversation, not once a turn. */
  readonly #scripts = new WeakMap<UserMessage, ParsedScript>();

  constructor(clock: Clock, limits: DeadlineLimits = UNLIMITED) {
    this.#clock = clock;
    this.#limits = limits;
  }

  async attempt(request: ModelRequest, options: ModelCallOptions): Promise<AttemptOutcome> {
    if (request.kind === "compaction") return this.#play(request, summarise(request.messages), 0, options);

    const conversation = readConversation(request.messages, request.turn);
    if (conversation.input === undefined)
      return this.#play(request, PAST_THE_END, conversation.turn, options);
    const script = this.#scriptOf(conversation.input, request.model);
    if (!script.ok) return failure("invalid_request", script.error);

    const { run_id, session_id } = request;
    const turn = script.scenario({ conversation, run_id, session_id }) ?? PAST_THE_END;
    return this.#play(request, turn, conversation.turn, options);
  }

  #scriptOf(input: UserMessage, model: string): ParsedScript {
    if (model === "echo") return { ok: true, scenario: echoScenario(input) };
    const known = this.#scripts.get(input);
    if (known !== undefined) return known;
    const script = parseScript(input);
    this.#scripts.set(input, script);
    return script;
  }

  async #play(
    request: ModelRequest,
    turn: Turn,
    index: number,
    options: ModelCallOptions,
  ): Promise<AttemptOutcome> {
    const patience = new Patience(this.#clock, this.#limits);
    await patience.wait(turn.delay_ms, options.signal);
    if (options.signal.aborted) return cancelled();
    if (patience.expired !== undefined) return failure("transport", patience.expired);
    if (turn.error !== undefined && this.#failures.isDue(`${request.run_id}:${index}`, turn.error.times)) {
      const { status, message, retryable } = turn.error;
      return failure(classOfStatus(status), message, {
        status,
        ...(retryable === undefined ? {} : { retryable }),
      });
    }
    if (turn.reasoning !== undefined) options.onDelta?.({ part: "reasoning", text: turn.reasoning });
    await stream(turn, options, patience);
    if (options.signal.aborted) return cancelled();
    if (patience.expired !== undefined) return failure("transport", patience.expired);

    const parts = partsOf(turn, index);
    return {
      ok: true,
      message: {
        role: "assistant",
        parts,
        route_id: request.route.route_id,
        model: request.model,
        finish_reason: turn.tool_calls.length === 0 ? "stop" : "tool_calls",
        usage: usageOf(turn, request, parts),
      },
    };
  }
}

async function stream(turn: Turn, { onDelta, signal }: ModelCallOptions, patience: Patience): Promise<void> {
  for (const [index, text] of split(turn.text, turn.chunks).entries()) {
    if (index > 0) await patience.wait(turn.chunk_delay_ms, signal);
    if (signal.aborted || patience.expired !== undefined) return;
    onDelta?.({ part: "text", text });
  }
}

function partsOf(turn: Turn, index: number): AssistantPart[] {
  return [
    ...(turn.reasoning === undefined ? [] : [{ type: "reasoning" as const, text: turn.reasoning }]),
    ...(turn.text === "" ? [] : [{ type: "text" as const, text: turn.text }]),
    ...turn.tool_calls.map((call, n) => ({
      type: "tool_call" as const,
      id: call.id ?? defaultCallId(index, n),
      name: call.name,
      input: call.input,
    })),
  ];
}

function usageOf(turn: Turn, request: ModelRequest, parts: readonly AssistantPart[]) {
  if (turn.usage === undefined) return countUsage(request.system, request.messages, parts);
  const { cached_input_tokens, ...usage } = turn.usage;
  return cached_input_tokens === undefined ? usage : { ...usage, cached_input_tokens };
}

/** `text` in at most `chunks` pieces of equal length; no character is split. */
function split(text: string, chunks: number): string[] {
  const characters = Array.from(text);
  const size = Math.max(1, Math.ceil(characters.length / chunks));
  const pieces: string[] = [];
  for (let start = 0; start < characters.length; start += size) {
    pieces.push(characters.slice(start, start + size).join(""));
  }
  return pieces;
}
