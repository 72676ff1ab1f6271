import type { ApprovalResolution, Json, RunStatus, UserQuestionResolution } from "@kheish/contract";
import {
  type RecordedEvent,
  recorded,
  runOf,
  type SessionEvents,
  sessionOfStream,
} from "../../../src/engine/index.ts";
import type { AppendOp, Op } from "../../../src/kernel/store.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { Answered } from "../world/store-front.ts";
import type { World } from "../world/world.ts";
import { onFallback, watchAccess } from "./access-watch.ts";
import { onExtension, onReserved, onSettled } from "./budget-watch.ts";
import type { CheckName } from "./check.ts";
import type { ApprovalFacts, CallFacts, Facts, RunFacts } from "./facts.ts";
import { checkGuard, onHooksCalled } from "./hook-watch.ts";
import { watchLaws } from "./law-watch.ts";
import { onAudit, onRule, onRunEnd } from "./rule-watch.ts";
import { watchSettings } from "./settings.ts";
import { checkSurface, onSkill } from "./skill-watch.ts";
import { onTask } from "./task-watch.ts";

/** 01-R37, as the page has it. */
const ALLOWED: Record<RunStatus, readonly RunStatus[]> = {
  queued: ["running", "failed", "cancelled"],
  running: [
    "waiting_for_approval",
    "waiting_for_user_question",
    "completed",
    "failed",
    "interrupted",
    "cancelled",
  ],
  waiting_for_approval: ["running", "failed", "interrupted", "cancelled"],
  waiting_for_user_question: ["running", "completed", "failed", "interrupted", "cancelled"],
  completed: [],
  failed: [],
  interrupted: [],
  cancelled: [],
};
const TERMINAL = ["completed", "failed", "interrupted", "cancelled"];

/** What only the daemon that drives a session may write about it. */
const DRIVEN = new Set([
  "budget_reserved",
  "budget_busy",
  "tool_call_started",
  "effect_not_applied",
  "model_call_failed",
  "compaction_boundary",
  "checkpoint",
  "hooks_called",
  "resumed",
  "waiting_for_approval",
  "waiting_for_user_question",
  "completed",
]);

/** A timer that is this late has been forgotten. */
const LATE_MS = 10_000;

/** Looks at every commit when it has landed: what must hold at all times is checked at all times. */
export class CommitWatch {
  readonly #world: World;
  readonly #facts: Facts;
  /** The commit that is looked at. */
  #committed: readonly Op[] = [];

  constructor(world: World, facts: Facts) {
    this.#world = world;
    this.#facts = facts;
  }

  /** Said before a daemon's first commit. */
  onBoot(process: SimulatedProcess): void {
    this.#facts.owners.set(`daemon-${process.slot}`, process.slot);
    this.#facts.laws.onBoot(process.name);
  }

  onCommit({ process, ops, options, result, number }: Answered): void {
    if (!result.ok) {
      this.#world.mark(`refused: ${result.reason}`);
      return;
    }
    this.#world.tell(process.name, () => `commit ${number}: ${ops.map(brief).filter(Boolean).join(", ")}`);
    this.#checkFence(process, options?.fence);
    watchSettings(this.#facts, ops, (check, detail) => this.#violate(check, detail));
    watchAccess(this.#facts, this.#world, ops);
    watchLaws(this.#world, this.#facts, process, ops);
    this.#committed = ops;
    for (const [index, op] of ops.entries()) {
      if (op.op === "enqueue" && op.queue === "hook") this.#facts.hooks.announced.add(op.key);
      if (op.op === "add") onExtension(this.#facts, this.#world, op);
      if (op.op === "append") this.#onAppend(process, op, result.appended[index]?.firstSeq ?? 0);
      else if (op.op === "put" && op.kind === "task") onTask(this.#world, this.#facts, op, ops);
      else if (op.op === "put" && op.kind === "run")
        this.#onRun(op.id, op.data as unknown as { status: RunStatus });
      else this.#onLeaseOp(process, op, result.leases[index]?.token);
    }
    for (const op of ops) if (op.op === "put" && op.kind === "run") this.#checkRecord(op.id);
  }

  #violate(check: CheckName, detail: string): void {
    this.#world.violate(check, detail);
  }

  #checkFence(process: SimulatedProcess, fence: { name: string; token: number } | undefined): void {
    if (fence === undefined) return;
    const held = this.#facts.leases.get(fence.name);
    if (held?.token !== fence.token) {
      this.#violate(
        "fence",
        `${process.name} wrote under ${fence.name}/${fence.token}, held is ${held?.token}`,
      );
    }
  }

  #onLeaseOp(process: SimulatedProcess, op: Op, token: number | undefined): void {
    const { leases, owners } = this.#facts;
    if (op.op === "acquire-lease") leases.set(op.name, { slot: process.slot, token: token ?? 0 });
    else if (op.op === "release-lease") leases.delete(op.name);
    else if (op.op === "release-owner") {
      const slot = owners.get(op.owner);
      for (const [name, lease] of leases) if (lease.slot === slot) leases.delete(name);
    }
  }

  #onAppend(process: SimulatedProcess, op: AppendOp, firstSeq: number): void {
    const known = this.#facts.streams.get(op.stream) ?? 0;
    if (op.events.length > 0 && firstSeq !== known + 1) {
      this.#violate("journal", `${op.stream} goes on at ${firstSeq} after ${known}`);
    }
    this.#facts.streams.set(op.stream, known + op.events.length);
    const session = sessionOfStream(op.stream);
    if (session === undefined) return;
    for (const [index, event] of op.events.entries()) {
      const seq = firstSeq + index;
      this.#onEvent(process, session, recorded({ ...event, stream: op.stream, seq, position: 0 }));
    }
  }

  #onEvent(process: SimulatedProcess, session: string, event: RecordedEvent): void {
    this.#world.mark(`event: ${event.type}`);
    if (event.type === "permission_rule_set" || event.type === "permission_rule_removed") {
      onRule(this.#facts, session, event, (check, detail) => this.#violate(check, detail));
    }
    if (event.type === "skill_activated" || event.type === "skill_deactivated")
      onSkill(this.#facts, session, event);
    const runId = runOf(event);
    if (runId === undefined) return;
    const run = this.#facts.run(runId);
    run.session = session;
    if (run.endedSeq !== undefined) {
      this.#violate(
        "transitions",
        `${event.type} of ${runId} at ${event.seq}, which ended at ${run.endedSeq}`,
      );
    }
    if (DRIVEN.has(event.type)) this.#checkDriver(process, session, event.type);
    this.#onRunEvent(process, run, event);
  }

  /** Seen from outside: whether the writer is the one who holds the session, whatever it said with its commit. */
  #checkDriver(process: SimulatedProcess, session: string, what: string): void {
    const held = this.#facts.leases.get(`session/${session}`);
    if (held?.slot === process.slot) return;
    this.#violate(
      "fence",
      `${process.name} wrote ${what} to ${session}, which ${held?.slot ?? "nobody"} drives`,
    );
  }

  #onRunEvent(process: SimulatedProcess, run: RunFacts, event: RecordedEvent): void {
    switch (event.type) {
      case "accepted":
        if (run.acceptedSeq !== undefined) this.#violate("accepted", `${run.id} is accepted twice`);
        run.acceptedSeq = event.seq;
        return;
      case "budget_reserved":
        onReserved(this.#facts, this.#world, run, event.data);
        return;
      case "budget_settled":
        onSettled(this.#world, run, event.data);
        return;
      case "model_call_failed":
        onFallback(this.#facts, this.#world, event.data);
        return;
      case "started":
        this.#onStarted(run, event.seq);
        return;
      case "resumed":
        run.restarts += 1;
        return;
      case "message_appended":
        this.#onMessage(run, event.data);
        return;
      case "permission_audit":
        onAudit(this.#world, this.#facts, process, run, event.data, event.atMs);
        return;
      case "waiting_for_approval":
        for (const request of event.data.requests) {
          const { session } = run;
          const askedAtMs = event.atMs;
          this.#facts.approvals.set(request.id, {
            call: request.tool_call_id,
            run: run.id,
            session,
            askedAtMs,
            isBudget: request.budget_id !== undefined,
          });
        }
        return;
      case "approval_resolved":
        for (const one of event.data.resolutions) this.#onDecision(one, event.data.decided_by, event.atMs);
        return;
      case "waiting_for_user_question":
        this.#facts.questions.set(`${run.id}/${event.data.request.id}`, { run: run.id, answered: false });
        return;
      case "user_question_resolved":
        this.#onAnswer(run.id, event.data.resolution);
        return;
      case "hooks_called":
        onHooksCalled(this.#world, this.#facts, event.data, this.#committed);
        return;
      case "tool_call_started":
        checkGuard(this.#world, this.#facts, event.data.tool_name, event.data.call_id);
        checkSurface(this.#world, this.#facts, run, event.data.tool_name, event.data.call_id);
        this.#onDispatch(run, event.data);
        return;
      case "effect_not_applied":
        this.#onNotApplied(this.#facts.call(event.data.call_id, run.id));
        return;
      case "tool_call_finished":
        this.#onFinished(run, event.data);
        return;
      case "completed":
      case "failed":
      case "interrupted":
      case "cancelled":
        run.endedSeq = event.seq;
        onRunEnd(this.#facts, run);
        return;
      default:
    }
  }

  /** Who says that the last attempt did nothing must have looked: the world outside knows better. */
  #onNotApplied(call: CallFacts): void {
    call.allowances += 1;
    const isDone = call.effect === "once" && this.#world.outside.count(call.id) >= call.dispatches;
    // With two daemons, what one of them still does may come after the other has looked.
    if (isDone && this.#world.plan.daemons === 1) {
      this.#violate("ledger", `${call.id} is said not to have happened, and it did`);
    }
  }

  #onStarted(run: RunFacts, seq: number): void {
    if (run.startedSeq !== undefined) this.#violate("fifo", `${run.id} is started twice`);
    run.startedSeq = seq;
    for (const other of this.#facts.runsOf(run.session)) {
      if (other === run || other.endedSeq !== undefined) continue;
      if (other.startedSeq !== undefined)
        this.#violate("fifo", `${run.id} starts while ${other.id} is active`);
      else if ((other.acceptedSeq ?? 0) < (run.acceptedSeq ?? 0)) {
        this.#violate("fifo", `${run.id} starts before ${other.id}, which was accepted earlier`);
      }
    }
  }

  #onMessage(run: RunFacts, { message, turn }: SessionEvents["message_appended"]): void {
    if (message.role !== "assistant") return;
    if (turn !== run.turns)
      this.#violate("turns", `${run.id} answers turn ${turn} after ${run.turns} answers`);
    run.turns += 1;
    for (const part of message.parts) {
      if (part.type === "tool_call") {
        if (this.#facts.calls.has(part.id)) this.#violate("turns", `${run.id} asks for ${part.id} again`);
        const call = this.#facts.call(part.id, run.id);
        call.tool = part.name;
        call.input = part.input;
      }
    }
  }

  #onDecision(resolution: ApprovalResolution, by: string, atMs: number): void {
    const approval = this.#facts.approvals.get(resolution.request_id);
    if (approval === undefined) {
      this.#violate("approvals", `${resolution.request_id} was never asked`);
      return;
    }
    if (approval.decision !== undefined)
      this.#violate("approvals", `${resolution.request_id} is decided twice`);
    const { behavior, updated_input, remember } = resolution;
    approval.decision = {
      behavior,
      by,
      ...(remember === undefined ? {} : { remember }),
      ...(updated_input === undefined ? {} : { input: updated_input as Json }),
    };
    this.#world.mark(`decided: ${behavior} by ${by}`);
    this.#checkDeadline(approval, by, behavior, atMs);
  }

  /** The plan says when an approval lapses; who decided it says whether it had. */
  #checkDeadline(
    { call, session, askedAtMs, isBudget }: ApprovalFacts,
    by: string,
    behavior: "allow" | "deny",
    atMs: number,
  ): void {
    const { plan } = this.#world;
    const timeoutMs = plan.sessions.find(({ id }) => id === session)?.approvalTimeoutMs ?? 0;
    // A clock that is wrong is wrong about deadlines, too.
    if (plan.weather.skewMs > 0 || plan.interventions.some(({ kind }) => kind === "step_clock")) return;
    // Not when it was seen: a torn write that landed is seen at the next start.
    const tookMs = atMs - askedAtMs;
    // What is to be had again needs no deadline to go on.
    if (by === "daemon" && isBudget && behavior === "allow") return;
    if (by === "daemon" && (timeoutMs === 0 || tookMs < timeoutMs)) {
      this.#violate("expiry", `${call} lapsed after ${tookMs} ms, its deadline was ${timeoutMs}`);
    }
    const lateMs = atMs - Math.max(askedAtMs + timeoutMs, this.#world.troubledUntilMs);
    if (by !== "daemon" && timeoutMs > 0 && lateMs > LATE_MS) {
      this.#violate("expiry", `${call} was decided by ${by} ${lateMs} ms after it should have lapsed`);
    }
  }

  #onAnswer(runId: string, resolution: UserQuestionResolution): void {
    const question = this.#facts.questions.get(`${runId}/${resolution.request_id}`);
    if (question === undefined) {
      this.#violate("questions", `${resolution.request_id} was never asked`);
      return;
    }
    if (question.answered) this.#violate("questions", `${resolution.request_id} is answered twice`);
    question.answered = true;
    const unknown = /^question-request-(.*)-outcome-\d+$/.exec(resolution.request_id)?.[1];
    if (unknown === undefined) return;
    if (resolution.answers.some((answer) => answer.selected_option_ids.includes("run_again"))) {
      this.#world.mark("operator: run again");
      this.#facts.call(unknown, runId).allowances += 1;
    }
  }

  #onDispatch(run: RunFacts, data: SessionEvents["tool_call_started"]): void {
    const call = this.#facts.call(data.call_id, run.id);
    if (call.finished !== undefined) this.#violate("ledger", `${call.id} is dispatched after it ended`);
    call.dispatches += 1;
    call.effect = data.effect;
    call.keys.add(data.idempotency_key);
    if (call.keys.size > 1) this.#violate("key", `${call.id} is dispatched under two keys`);
    for (const other of this.#facts.calls.values()) {
      if (other !== call && other.keys.has(data.idempotency_key)) {
        this.#violate("key", `${call.id} and ${other.id} are dispatched under one key`);
      }
    }
    if (data.effect === "once" && call.dispatches > call.allowances) {
      this.#violate("once", `${call.id} is dispatched ${call.dispatches} times, ${call.allowances} allowed`);
    }
  }

  #onFinished(run: RunFacts, data: SessionEvents["tool_call_finished"]): void {
    const call = this.#facts.call(data.call_id, run.id);
    if (call.finished !== undefined) this.#violate("ledger", `${call.id} ends twice`);
    const { output, is_error: isError } = data.result;
    call.finished = { ledger: data.ledger, output, isError };
    this.#world.mark(`ledger: ${data.ledger}`);
  }

  #onRun(id: string, { status }: { status: RunStatus }): void {
    const run = this.#facts.run(id);
    const before = run.status;
    if (before !== undefined && before !== status && !ALLOWED[before].includes(status)) {
      this.#violate("transitions", `${id} goes from ${before} to ${status}`);
    }
    run.status = status;
  }

  /** In one commit: the record of a run that has ended says so, and no other does. */
  #checkRecord(id: string): void {
    const { status, endedSeq } = this.#facts.run(id);
    if (status === undefined || TERMINAL.includes(status) === (endedSeq !== undefined)) return;
    this.#violate(
      "record",
      `${id} is ${status}, its events say ${endedSeq === undefined ? "not ended" : "ended"}`,
    );
  }
}

function brief(op: Op): string {
  switch (op.op) {
    case "append":
      return `${op.stream} +${op.events.map((event) => briefEvent(event.type, event.data)).join(" +")}`;
    case "put":
      return op.kind === "run" ? `${op.id} is ${(op.data as { status: string }).status}` : "";
    case "claim":
    case "claim-item":
    case "check-claim":
    case "check":
      return "";
    case "enqueue":
      return `${op.queue}/${op.key} due`;
    case "complete":
    case "retry":
      return `${op.op} ${op.queue}/${op.key}`;
    case "acquire-lease":
    case "release-lease":
      return `${op.op} ${op.name}`;
    default:
      return op.op;
  }
}

function briefEvent(type: string, data: Json): string {
  const { run_id, call_id, ledger } = data as Record<string, Json | undefined>;
  return [type, run_id, call_id, ledger].filter((word) => word !== undefined).join(":");
}
