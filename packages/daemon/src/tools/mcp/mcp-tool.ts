import type { IsolationName, Json, JsonObject } from "@kheish/contract";
import { digest } from "../../engine/index.ts";
import type { EffectClass, Resumed, Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import { failure } from "../outcome.ts";
import { toolTarget } from "./actions.ts";
import type { CallEnd, UpstreamCall, UpstreamTool } from "./connection-port.ts";
import type { Acting } from "./credential-port.ts";
import { untrusted } from "./descriptions.ts";
import {
  answered,
  type Dialogue,
  dialogueFor,
  dialogueIn,
  type Elicitation,
  type ElicitationReply,
  nextQuestions,
} from "./elicitation.ts";
import { type HeldCalls, OpenCall } from "./held-calls.ts";
import { forwardedSchema, isObject, withoutNulls } from "./input-schema.ts";
import { MCP_LIMITS } from "./json-limits.ts";
import { qualifiedName } from "./names.ts";
import { toolOutput } from "./result.ts";

/** What a tool needs of its server. */
export interface ToolServer {
  readonly name: string;
  readonly toolTimeoutMs: number;
  /** What keeps its process apart from the machine; absent: it has none. */
  readonly isolation?: IsolationName | undefined;
  /** Why it cannot be used now; undefined when it can. It is connected to first, when it is not. */
  ready(acting: Acting, signal: AbortSignal): Promise<string | undefined>;
  /** Makes a call, once; it does not reject. */
  call(call: UpstreamCall, signal: AbortSignal): Promise<CallEnd>;
}

/** What the protocol's annotations say about repeating a call; who says nothing is not repeated (03, MCP client). */
export function effectOf({ annotations }: UpstreamTool): EffectClass {
  if (annotations?.readOnlyHint === true) return "read";
  return annotations?.idempotentHint === true ? "idempotent" : "once";
}

/** An upstream tool as one of the daemon's. */
export function mcpTool(server: ToolServer, upstream: UpstreamTool, held: HeldCalls): Tool {
  const name = qualifiedName(server.name, upstream.name);
  const input_schema = forwardedSchema(upstream.inputSchema);
  const effect = effectOf(upstream);
  return {
    name,
    description: descriptionOf(server.name, upstream),
    input_schema,
    effect,
    timeoutMs: server.toolTimeoutMs,
    sandbox: "network_enabled",
    allowsParallel: true,
    ...(server.isolation === undefined ? {} : { isolation: server.isolation }),
    boundary: () => ({ kind: "mcp", target: toolTarget(server.name, upstream.name) }),
    mcp: { server: server.name, tool: upstream.name },
    deferrable: true,
    parse: (input) =>
      isObject(input)
        ? { ok: true, input: withoutNulls(input, input_schema) }
        : { ok: false, error: "Invalid input at $: an object is needed" },
    execute: (input, context) =>
      new Attempt(server, upstream.name, effect, held, input as JsonObject, context).outcome(),
  };
}

function descriptionOf(server: string, tool: UpstreamTool): string {
  const text = tool.description?.trim() || tool.title?.trim() || tool.name;
  return untrusted(`${server}: ${text}`, MCP_LIMITS.toolDescription);
}

/** Kept with a question, so that the call goes on wherever the answer finds a daemon. */
interface Kept {
  dialogue: Dialogue;
  /** The server asks within the call, or wants to be called again with the answers. */
  style: "held" | "stateless";
  request_state?: string;
  /** Answers of earlier rounds, by what was asked; a call that is made anew need not ask them again. */
  known: Record<string, ElicitationReply>;
}

const HELD_KEY = "request";

/** One attempt of a call: made, followed to its end, or parked at a question. */
class Attempt {
  readonly #server: ToolServer;
  readonly #tool: string;
  readonly #effect: EffectClass;
  readonly #held: HeldCalls;
  readonly #input: JsonObject;
  readonly #context: ToolContext;

  constructor(
    server: ToolServer,
    tool: string,
    effect: EffectClass,
    held: HeldCalls,
    input: JsonObject,
    context: ToolContext,
  ) {
    this.#server = server;
    this.#tool = tool;
    this.#effect = effect;
    this.#held = held;
    this.#input = input;
    this.#context = context;
  }

  async outcome(): Promise<ToolOutcome> {
    const { resumed, idempotency_key: key } = this.#context;
    if (resumed !== undefined) return this.#goOn(resumed);
    // Another call of the batch asked first; this one has been waiting since.
    const waiting = this.#held.peek(key);
    return waiting === undefined ? this.#start({}, {}) : this.#ask(heldKept(waiting, {}));
  }

  async #goOn({ state, resolution }: Resumed): Promise<ToolOutcome> {
    const dialogue = dialogueIn(state);
    if (dialogue === undefined) return failure("what this call had asked for cannot be read any more");
    const kept = { ...(state as unknown as Kept), dialogue: answered(dialogue, resolution) };
    if (nextQuestions(this.#server.name, kept.dialogue) !== undefined) return this.#ask(kept);
    const { replies, requests } = kept.dialogue;
    if (kept.style === "stateless") {
      const { request_state } = kept;
      return this.#start(kept.known, {
        inputResponses: replies,
        ...(request_state === undefined ? {} : { requestState: request_state }),
      });
    }
    const reply = replies[HELD_KEY] ?? { action: "cancel" };
    const known = { ...kept.known, [askedAs(requests[HELD_KEY])]: reply };
    const open = this.#held.take(this.#context.idempotency_key);
    if (open !== undefined) {
      open.reply(reply);
      return this.#follow(open, known);
    }
    // The server that asked was left behind: with a daemon that died, or because it waited too long.
    return this.#effect === "once" ? { kind: "lost" } : this.#start(known, {});
  }

  async #start(
    known: Kept["known"],
    more: Pick<UpstreamCall, "inputResponses" | "requestState">,
  ): Promise<ToolOutcome> {
    const { session_id, run_id, idempotency_key, signal, credential_scope: scope } = this.#context;
    const refusal = await this.#server.ready({ session_id, scope }, signal);
    if (refusal !== undefined) return failure(refusal);
    const stop = new AbortController();
    let open: OpenCall | undefined;
    const end = this.#server.call(
      {
        tool: this.#tool,
        input: this.#input,
        idempotencyKey: idempotency_key,
        runId: run_id,
        sessionId: session_id,
        ...more,
        onAsked: (request) => open?.ask(request) ?? Promise.resolve({ action: "cancel" }),
      },
      stop.signal,
    );
    open = new OpenCall(end, stop);
    return this.#follow(open, known);
  }

  /** Until the call ends or asks what nobody has answered yet. */
  async #follow(open: OpenCall, known: Kept["known"]): Promise<ToolOutcome> {
    const { signal, blobs, idempotency_key: key } = this.#context;
    const stop = () => open.stop();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      for (;;) {
        const progress = await open.next();
        if (progress.kind === "ended") return await outcomeOf(progress.end, known, this, blobs);
        const answer = known[askedAs(progress.request)];
        if (answer !== undefined) {
          open.reply(answer);
          continue;
        }
        this.#held.hold(key, open, progress.request);
        return this.#ask(heldKept(progress.request, known));
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** The server wants to be called again with answers (2026-07-28). */
  inputRequired(end: Extract<CallEnd, { kind: "input_required" }>, known: Kept["known"]): ToolOutcome {
    const { requests, requestState } = end;
    return this.#ask({
      dialogue: dialogueFor(requests),
      style: "stateless",
      known,
      ...(requestState === undefined ? {} : { request_state: requestState }),
    });
  }

  #ask(kept: Kept): ToolOutcome {
    const questions = nextQuestions(this.#server.name, kept.dialogue);
    if (questions === undefined) return failure("the server asked for input and said not for which");
    return { kind: "ask", questions, resume: kept as unknown as Json };
  }
}

function heldKept(request: Elicitation, known: Kept["known"]): Kept {
  return { dialogue: dialogueFor({ [HELD_KEY]: request }), style: "held", known };
}

function askedAs(request: Elicitation | undefined): string {
  return digest((request ?? null) as unknown as Json);
}

async function outcomeOf(
  end: CallEnd,
  known: Kept["known"],
  attempt: Attempt,
  blobs: ToolContext["blobs"],
): Promise<ToolOutcome> {
  switch (end.kind) {
    case "result":
      return {
        kind: "result",
        output: await toolOutput(end.result, blobs),
        is_error: end.result.isError === true,
      };
    case "input_required":
      return attempt.inputRequired(end, known);
    case "refused":
      return failure(end.message);
    case "lost":
      return { kind: "lost" };
  }
}
