import {
  type ModelGenerationConfig,
  problem,
  type ReplyHandle,
  type SubmitInputRequest,
} from "@kheish/contract";
import { conformInput } from "../contracts/input.ts";
import { boundMetadata, isBindable, refuseUnderGoal } from "../goals/binding.ts";
import { goalIn } from "../goals/keep.ts";
import type { PinnedRoute } from "../ports.ts";
import { queuedRun } from "../queued-run.ts";
import { type Kept, type RunRecord, read, type SessionRecord } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { acceptRun } from "../transitions.ts";
import { earlier, idempotencyKeyOf, type Receipt, receiptOf, remember } from "./idempotency.ts";
import {
  checkContent,
  checkMetadata,
  cleanMetadata,
  type DecodedPart,
  decodeInput,
  storeParts,
} from "./input.ts";
import { previewOf } from "./preview.ts";
import { normalizeReplyTargets } from "./reply-targets.ts";
import { planRoute, prepareRoute } from "./route-plan.ts";
import { type CommandDeps, requireSession, transact } from "./transact.ts";

export interface SubmitOptions {
  principal: string;
  headerKey?: string;
  /** `/input` demands a session that nobody works in (01-R24); `/runs` queues (01-R26). */
  mode: "detached" | "inline";
}

export interface Submitted {
  runId: string;
  /** The same request came before, and made this run. */
  repeated: boolean;
  /** A new run as its commit left it, with its place in the queue unless it began at once: nobody has to read it. */
  accepted?: { run: Kept<"run">; queuedPosition?: number };
}

/**
 * Accepts a submission: one commit with the run, its place in the session and its wake-up, and only then the answer.
 * Checks run in the order of 01-R20; a refused submission leaves nothing behind.
 */
export async function submit(
  deps: CommandDeps,
  sessionId: string,
  request: SubmitInputRequest,
  options: SubmitOptions,
): Promise<Submitted> {
  const key = idempotencyKeyOf(options.headerKey, request.idempotency_key);
  checkMetadata(request);
  const known = await requireSession(deps.store, sessionId);
  checkContent(request);
  const receipt = key === undefined ? undefined : receiptFor(sessionId, key, request, options.mode);
  const before = await earlier(deps.store, receipt);
  if (before?.run_id !== undefined) return { runId: before.run_id, repeated: true };
  const { input_contract: contract } = known.data;
  const where = request.input_items.length > 0 ? "/input_items" : "/content";
  const parts = conformInput(contract, decodeInput(request), where);
  const metadata = cleanMetadata(request.metadata);
  if (!isBindable(metadata)) refuseUnderGoal((await read(deps.store, "goal", sessionId))?.data.goal);
  await prepareRoute(deps.routes, known.data, request);
  const plan = planRun(deps, known.data, request);
  if (options.mode === "inline") refuseBusy(known.data);
  const stored = await storeParts(deps.blobs, parts);
  const number = await deps.store.reserveIds("run", 1);

  return transact<Submitted>(deps, sessionId, async (change, session) => {
    const raced = await earlier(deps.store, receipt);
    if (raced?.run_id !== undefined) return { runId: raced.run_id, repeated: true };
    if (options.mode === "inline") refuseBusy(session.data);
    await bindKeys(deps, change, request.binding_keys, sessionId);
    const run = newRun(`run-${number}`, session.data, request, plan, change.now, options.principal, parts);
    const bound = boundMetadata((await goalIn(deps.store, change, sessionId))?.goal, metadata);
    if (bound !== undefined) run.input_metadata = bound;
    if (stored.attachments.length > 0) run.input_attachments = stored.attachments;
    const structured = contract === undefined ? {} : { structured: true as const };
    acceptRun(change, run, {
      role: "user",
      id: `msg-${run.run_id}`,
      parts: stored.parts,
      ...structured,
    });
    rememberTargets(change, session.data, request, plan);
    remember(change, receipt, { run_id: run.run_id });
    const accepted = change.landed("run", run.run_id);
    if (accepted === undefined) throw new Error(`run '${run.run_id}' was accepted without its record`);
    const place = accepted.data.status === "queued" ? { queuedPosition: change.session.queued_count } : {};
    return { runId: run.run_id, repeated: false, accepted: { run: accepted, ...place } };
  });
}

/** What a run keeps from its submission on (01-R16). */
interface RunPlan {
  route: PinnedRoute;
  generation: ModelGenerationConfig;
  replyTargets: ReplyHandle[];
  explicitTargets: boolean;
}

function planRun(deps: CommandDeps, session: SessionRecord, request: SubmitInputRequest): RunPlan {
  const explicit = explicitTargets(request);
  return {
    ...planRoute(deps.routes, session, request),
    replyTargets: explicit.length > 0 ? explicit : (session.reply_targets ?? []),
    explicitTargets: explicit.length > 0,
  };
}

function explicitTargets(request: SubmitInputRequest): ReplyHandle[] {
  const targets = normalizeReplyTargets(request.reply_targets);
  const { reply_plugin: plugin, reply_address: address } = request;
  if (plugin === null || plugin === undefined) return targets;
  return [...targets, { plugin, address: address ?? null }];
}

/** 01-R24: no active and no queued run. */
function refuseBusy(session: SessionRecord): void {
  if (session.active_run_id === undefined && session.queued_count === 0) return;
  throw problem(
    "sessions",
    "session_busy",
    `session '${session.session_id}' is busy; submit to /v1/sessions/{session_id}/runs to queue`,
  );
}

/** A binding key belongs to one session for ever (01-R22). */
async function bindKeys(
  deps: CommandDeps,
  change: SessionChange,
  keys: readonly string[],
  sessionId: string,
): Promise<void> {
  for (const key of new Set(keys)) {
    const bound = await read(deps.store, "binding", key);
    if (bound === undefined) change.put("binding", key, { session_id: sessionId }, 0);
    else if (bound.data.session_id !== sessionId) {
      throw problem("sessions", "conflict", `binding key '${key}' belongs to another session`);
    }
  }
}

function newRun(
  runId: string,
  session: SessionRecord,
  request: SubmitInputRequest,
  plan: RunPlan,
  now: number,
  principal: string,
  parts: readonly DecodedPart[],
): RunRecord {
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  return queuedRun(session, now, {
    run_id: runId,
    kind: "input",
    request: {
      source_plugin: request.source_plugin ?? "daemon",
      source_kind: request.source_kind ?? "api",
      actor_id: request.actor_id ?? principal,
      ...(text === "" ? {} : { text_preview: previewOf(text) }),
    },
    route: plan.route,
    generation: plan.generation,
    reply_targets: plan.replyTargets,
    ...(request.completion_requirements?.length
      ? { completion_requirements: request.completion_requirements }
      : {}),
    principal,
  });
}

/** A connector's explicit targets become the session's default when the session was idle (01-R17). */
function rememberTargets(
  change: SessionChange,
  session: SessionRecord,
  request: SubmitInputRequest,
  plan: RunPlan,
): void {
  const source = request.source_plugin ?? "daemon";
  const fromConnector = source !== "daemon" && source !== "scheduler";
  const wasIdle = session.active_run_id === undefined && session.queued_count === 0;
  if (plan.explicitTargets && fromConnector && wasIdle)
    change.updateSession({ reply_targets: plan.replyTargets });
}

/** The fields a repetition must agree in; an explicit list, so that a new default does not break old retries. */
function receiptFor(
  sessionId: string,
  key: string,
  request: SubmitInputRequest,
  mode: SubmitOptions["mode"],
): Receipt {
  const fields = {
    provider: request.provider ?? request.route_id ?? null,
    source_plugin: request.source_plugin ?? null,
    source_kind: request.source_kind ?? null,
    actor_id: request.actor_id ?? null,
    content: request.content,
    input_items: request.input_items,
    attachments: request.attachments,
    generation: request.generation ?? null,
    completion_requirements: request.completion_requirements ?? [],
    metadata: request.metadata ?? null,
    binding_keys: request.binding_keys,
    reply_targets: request.reply_targets,
    reply_plugin: request.reply_plugin ?? null,
    reply_address: request.reply_address ?? null,
  };
  const space = mode === "inline" ? "input" : "run";
  return receiptOf({ space, scope: sessionId, key, request: fields });
}
