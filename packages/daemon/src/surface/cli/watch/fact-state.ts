import type { Fact, TokenUsage } from "./facts.ts";
import type { Call, WatchState } from "./state.ts";

/** What is known of a run after one more engine fact. */
export function withFact(state: WatchState, fact: Fact): WatchState {
  switch (fact.kind) {
    case "message":
      return { ...state, streaming: undefined, calls: askedFor(fact), usage: added(state.usage, fact.usage) };
    case "call_started":
      return withCall(state, fact.callId, started(state, fact));
    case "call_finished":
      return withCall(state, fact.callId, undefined);
    default:
      return state;
  }
}

function askedFor({ calls }: Extract<Fact, { kind: "message" }>): WatchState["calls"] {
  return new Map<string, Call>(calls.map(({ id, name, input }) => [id, { name, input }]));
}

function added(total: TokenUsage, usage: TokenUsage | undefined): TokenUsage {
  return {
    input_tokens: total.input_tokens + (usage?.input_tokens ?? 0),
    output_tokens: total.output_tokens + (usage?.output_tokens ?? 0),
  };
}

function started({ calls }: WatchState, fact: Extract<Fact, { kind: "call_started" }>): Call {
  const asked = calls.get(fact.callId) ?? { name: fact.toolName };
  return { ...asked, ...(fact.atMs !== undefined && { startedAtMs: fact.atMs }) };
}

function withCall(state: WatchState, id: string, call: Call | undefined): WatchState {
  const calls = new Map(state.calls);
  if (call === undefined) calls.delete(id);
  else calls.set(id, call);
  return { ...state, calls };
}
