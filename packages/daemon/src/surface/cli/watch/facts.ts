import { Json, type Trace } from "@kheish/contract";
import { z } from "zod";

/** What a person who watches a run wants to know of the engine's traces; all else is left out. */
export type Fact =
  | { kind: "input"; text: string }
  | { kind: "message"; text: string; calls: CallRequest[]; usage?: TokenUsage }
  | { kind: "call_started"; callId: string; toolName: string; attempt: number; atMs?: number }
  | { kind: "call_finished"; callId: string; toolName: string; output: Json; isError: boolean; atMs?: number }
  | { kind: "denied"; toolName: string; reason: string }
  | { kind: "compacted"; detail: string }
  | { kind: "fell_back"; to: string; why: string }
  | { kind: "resumed"; attempt: number };

export interface CallRequest {
  readonly id: string;
  readonly name: string;
  readonly input: Json;
}

export interface TokenUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
}

const Part = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("tool_call"), id: z.string(), name: z.string(), input: Json }),
  z.object({ type: z.string() }),
]);
type Part = z.infer<typeof Part>;

const Message = z.object({
  role: z.string(),
  parts: z.array(Part),
  usage: z.object({ input_tokens: z.int(), output_tokens: z.int() }).optional(),
});

const Input = z.object({ message: Message });
const CallStarted = z.object({ call_id: z.string(), tool_name: z.string(), attempt: z.int().default(1) });
const CallFinished = z.object({
  call_id: z.string(),
  result: z.object({ tool_name: z.string(), output: Json, is_error: z.boolean() }),
});
const Audit = z.object({
  audit: z.object({ tool_name: z.string(), decision: z.string(), reason: z.string().optional() }),
});
const Compaction = z.object({ boundary: z.looseObject({ kind: z.string() }) });
const CallFailed = z.object({
  error: z.object({ class: z.string() }),
  fallback: z.object({ target: z.object({ route_id: z.string(), model: z.string() }) }),
});
const Resumed = z.object({ attempt: z.int() });

/** The fact in a trace; undefined when there is none, or in a shape that this version does not know. */
export function factOf({ kind, data, timestamp_ms }: Trace): Fact | undefined {
  const at = timestamp_ms === undefined ? {} : { atMs: timestamp_ms };
  switch (kind) {
    case "input_received":
      return read(Input, data, ({ message }) => ({ kind: "input", text: textOf(message.parts) }));
    case "message_appended":
      return read(Input, data, ({ message }) => messageFact(message));
    case "tool_call_started":
      return read(CallStarted, data, ({ call_id, tool_name, attempt }) => ({
        kind: "call_started",
        callId: call_id,
        toolName: tool_name,
        attempt,
        ...at,
      }));
    case "tool_call_finished":
      return read(CallFinished, data, ({ call_id, result }) => ({
        kind: "call_finished",
        callId: call_id,
        toolName: result.tool_name,
        output: result.output,
        isError: result.is_error,
        ...at,
      }));
    case "permission_audit":
      return read(Audit, data, ({ audit }) =>
        audit.decision === "deny"
          ? { kind: "denied", toolName: audit.tool_name, reason: audit.reason ?? "" }
          : undefined,
      );
    case "compaction_boundary":
      return read(Compaction, data, ({ boundary }) => ({ kind: "compacted", detail: boundary.kind }));
    case "model_call_failed":
      return read(CallFailed, data, ({ error, fallback: { target } }) => ({
        kind: "fell_back",
        to: `${target.route_id}/${target.model}`,
        why: error.class,
      }));
    case "resumed":
      return read(Resumed, data, ({ attempt }) => ({ kind: "resumed", attempt }));
    default:
      return undefined;
  }
}

function read<S extends z.ZodType>(
  schema: S,
  data: Json | undefined,
  fact: (value: z.output<S>) => Fact | undefined,
): Fact | undefined {
  const checked = schema.safeParse(data);
  return checked.success ? fact(checked.data) : undefined;
}

/** What the daemon itself put into the conversation is not shown as anybody's words. */
function messageFact({ role, parts, usage }: z.output<typeof Message>): Fact | undefined {
  if (role !== "assistant") return undefined;
  const calls = parts.flatMap((part) =>
    "name" in part ? [{ id: part.id, name: part.name, input: part.input }] : [],
  );
  return { kind: "message", text: textOf(parts), calls, ...(usage && { usage }) };
}

function textOf(parts: readonly Part[]): string {
  return parts.flatMap((part) => ("text" in part ? [part.text] : [])).join("");
}
