import { type Json, parseSent } from "@kheish/contract";
import type { z } from "zod";
import type {
  EffectClass,
  Reconciled,
  SandboxProfile,
  Tool,
  ToolContext,
  ToolOutcome,
} from "../engine/ports.ts";
import { systemReason, ToolFailure } from "./failure.ts";
import { describeMismatch, toInputSchema } from "./input.ts";
import { failure } from "./outcome.ts";

export interface ToolDefinition<S extends z.ZodType> {
  name: string;
  description: string;
  /** The input, written once. What it parses to must parse to itself again. */
  schema: S;
  /** Folds other accepted spellings into what `schema` describes; for a mismatch it answers why. */
  fold?(input: Json): { ok: true; input: Json } | { ok: false; error: string };
  effect: EffectClass;
  timeoutMs: number;
  sandbox: SandboxProfile;
  allowsParallel: boolean;
  isolation?: NonNullable<Tool["isolation"]>;
  boundary?: NonNullable<Tool["boundary"]>;
  /** May throw `ToolFailure` for a refusal. */
  execute(input: z.output<S>, context: ToolContext): Promise<ToolOutcome>;
  reconcile?(input: z.output<S>, context: ToolContext): Promise<Reconciled>;
}

/** Makes a tool of its definition: validation before, and outcomes instead of exceptions after. */
export function defineTool<S extends z.ZodType>(definition: ToolDefinition<S>): Tool {
  const { schema, fold, execute, reconcile, ...descriptor } = definition;

  const read = (input: Json): { ok: true; value: z.output<S> } | { ok: false; error: string } => {
    const folded = fold === undefined ? { ok: true as const, input } : fold(input);
    if (!folded.ok) return folded;
    const parsed = parseSent(schema, folded.input);
    return parsed.success
      ? { ok: true, value: parsed.data }
      : { ok: false, error: describeMismatch(parsed.error, folded.input) };
  };

  const tool: Tool = {
    ...descriptor,
    input_schema: toInputSchema(schema),
    parse(input) {
      const parsed = read(input);
      return parsed.ok ? { ok: true, input: parsed.value as Json } : parsed;
    },
    async execute(input, context) {
      const parsed = read(input);
      if (!parsed.ok) return failure(parsed.error);
      try {
        context.signal.throwIfAborted();
        return await execute(parsed.value, context);
      } catch (error) {
        return outcomeOf(error, context.signal);
      }
    },
  };
  return reconcile === undefined ? tool : { ...tool, reconcile: reconciler(read, reconcile) };
}

/** What a thrown error says to the model. */
function outcomeOf(error: unknown, signal: AbortSignal): ToolOutcome {
  if (error instanceof ToolFailure) return failure(error.message, error.details);
  return failure(detailOf(error, signal), isStop(error, signal) ? { interrupted: true } : {});
}

/** Only a bug is thrown on. */
function detailOf(error: unknown, signal: AbortSignal): string {
  if (isStop(error, signal)) return "the call was stopped before it finished";
  const detail = error instanceof ToolFailure ? error.message : systemReason(error);
  if (detail === undefined) throw error;
  return detail;
}

function isStop(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error === signal.reason;
}

type Read<T> = (input: Json) => { ok: true; value: T } | { ok: false; error: string };

/** A reading that fails says that the outcome cannot be known, never that nothing happened. */
function reconciler<T>(
  read: Read<T>,
  reconcile: (input: T, context: ToolContext) => Promise<Reconciled>,
): NonNullable<Tool["reconcile"]> {
  return async (input, context) => {
    const parsed = read(input);
    if (!parsed.ok) return { kind: "unknown", detail: parsed.error };
    try {
      return await reconcile(parsed.value, context);
    } catch (error) {
      return { kind: "unknown", detail: detailOf(error, context.signal) };
    }
  };
}
