import type { Json } from "@kheish/contract";
import type {
  AssistantPart,
  FinishReason,
  ModelCallOptions,
  ModelErrorClass,
  ModelLimits,
  ModelOutcome,
  ModelPort,
  ModelRequest,
  PinnedRoute,
  RouteResolver,
  Usage,
} from "../../src/engine/index.ts";

type Reply = (request: ModelRequest, options: ModelCallOptions) => ModelOutcome | Promise<ModelOutcome>;

/** A model that answers as the test says, and remembers what it was asked. */
export class ScriptedModel implements ModelPort, RouteResolver {
  readonly requests: ModelRequest[] = [];
  readonly #reply: Reply;
  readonly #limits: ModelLimits;

  constructor(reply: Reply, limits: ModelLimits = {}) {
    this.#reply = reply;
    this.#limits = limits;
  }

  /** One outcome a call, in order; after the last one it is done. */
  static of(outcomes: readonly ModelOutcome[], limits?: ModelLimits): ScriptedModel {
    const left = [...outcomes];
    return new ScriptedModel(() => left.shift() ?? says("done"), limits);
  }

  async call(request: ModelRequest, options: ModelCallOptions): Promise<ModelOutcome> {
    this.requests.push(structuredClone(request));
    return this.#reply(request, options);
  }

  limits(): ModelLimits {
    return this.#limits;
  }

  priceOf(_route: PinnedRoute, _model: string, _usage: Usage): number | undefined {
    return undefined;
  }

  resolve(selection: { model?: string; fallback_model?: string }): PinnedRoute {
    const { model = "big", fallback_model } = selection;
    const pinned = { route_id: "scripted", driver: "scripted", model };
    return fallback_model === undefined ? pinned : { ...pinned, fallback_model };
  }

  routes(): [] {
    return [];
  }

  readiness(): [] {
    return [];
  }
}

interface Details {
  usage?: Usage;
  finish?: FinishReason;
}

export function says(text: string, details: Details = {}): ModelOutcome {
  return answer([{ type: "text", text }], { finish: "stop", ...details });
}

/** Asks for tools by name and input; ids are `name-0`, `name-1`, … unless given. */
export function calls(
  wanted: readonly { name: string; input?: Json; id?: string }[],
  details: Details = {},
): ModelOutcome {
  const parts = wanted.map(({ name, input = {}, id }, index) => ({
    type: "tool_call" as const,
    id: id ?? `${name}-${index}`,
    name,
    input,
  }));
  return answer(parts, { finish: "tool_calls", ...details });
}

export function fails(kind: ModelErrorClass, message = `it was ${kind}`): ModelOutcome {
  return { ok: false, error: { class: kind, message, retryable: false } };
}

function answer(parts: AssistantPart[], { usage, finish = "stop" }: Details): ModelOutcome {
  return {
    ok: true,
    message: {
      role: "assistant",
      parts,
      route_id: "scripted",
      model: "big",
      finish_reason: finish,
      ...(usage === undefined ? {} : { usage }),
    },
  };
}
