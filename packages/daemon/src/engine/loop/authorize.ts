import { createHash } from "node:crypto";
import type { Json, JsonObject, PermissionAudit } from "@kheish/contract";
import { isRepairing } from "../decide.ts";
import { announce } from "../hooks/announce.ts";
import { hookView } from "../hooks/call.ts";
import { onVerdict } from "../hooks/due.ts";
import type { DueHook } from "../hooks/port.ts";
import type { StoredApproval, Tool, Verdict } from "../ports.ts";
import type { ApprovalRecord } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import type { CallState } from "../state.ts";
import { overCeiling } from "./dispatch.ts";
import type { Driver } from "./driver.ts";
import type { Effect } from "./effect.ts";
import { judge, modeFor } from "./judge.ts";
import { isVisible, isWithinScope, unavailable } from "./visible-tools.ts";

/**
 * Decides a whole batch: refused calls get their result at once, and when any call needs a yes the run waits
 * before a single one has left (03-R29). A call that could never run is refused without asking a human.
 */
export async function authorize(
  driver: Driver,
  change: SessionChange,
  calls: readonly CallState[],
): Promise<Effect | undefined> {
  const due = await verdictHooks(driver, change, calls);
  if (due.length > 0) return { kind: "call_hooks", due };
  const asked: { call: CallState; verdict: Verdict }[] = [];
  for (const [index, call] of calls.entries()) {
    const hidden = offSurface(driver, call);
    if (hidden !== undefined) {
      change.emit("permission_audit", { run_id: driver.run.id, audit: unaskedAudit(driver, call, hidden) });
      finish(driver, change, call, { error: hidden });
      continue;
    }
    const refusal = refuse(driver, call, index);
    if (refusal !== undefined) {
      const audit = unaskedAudit(driver, call, refusal.error);
      change.emit("permission_audit", { run_id: driver.run.id, audit });
      finish(driver, change, call, refusal);
      continue;
    }
    const verdict = hookedVerdict(call, await judge(driver, change, call));
    if (verdict.decision === "ask") {
      asked.push({ call, verdict });
      continue;
    }
    change.emit("permission_audit", { run_id: driver.run.id, audit: verdict.audit });
    if (verdict.decision === "deny") finish(driver, change, call, denial(call, verdict));
  }
  if (asked.length === 0) return undefined;
  await ask(driver, change, asked);
  return { kind: "suspended" };
}

/** The hooks that have a say in these verdicts and were not called yet (03-R24). */
async function verdictHooks(
  driver: Driver,
  change: SessionChange,
  calls: readonly CallState[],
): Promise<DueHook[]> {
  const hooks = hookView(driver);
  if (hooks === undefined) return [];
  const due: DueHook[] = [];
  for (const [index, call] of calls.entries()) {
    if (offSurface(driver, call) !== undefined || refuse(driver, call, index) !== undefined) continue;
    const { decision, reason, audit } = await judge(driver, change, call);
    if (decision === "allow") continue;
    const verdict = { decision, reason, mode: modeFor(driver, call.call.id), scope: audit.scope };
    const hook = onVerdict(driver.runState, call, verdict, hooks);
    if (hook !== undefined) due.push(hook);
  }
  return due;
}

/** A hook decides what would have to be asked, and nothing else: it cannot take back a deny (03-R24). */
function hookedVerdict({ hooks }: CallState, verdict: Verdict): Verdict {
  const said = hooks?.permission;
  if (verdict.decision !== "ask" || said === undefined) return verdict;
  const { behavior: decision, reason } = said;
  const { reason: _asked, ...audit } = verdict.audit;
  return {
    decision,
    reason,
    audit: {
      ...audit,
      decision,
      justification: "permission_request hook",
      ...(decision === "deny" ? { reason } : {}),
    },
  };
}

/** A hook may let the model repeat a denied call, a few times in a run (01-R86). */
function denial({ hooks }: CallState, { reason }: Verdict): Json {
  const retry = hooks?.retry === true ? { retry: true, hint: "you may make this call once more" } : {};
  return { error: reason, denied: true, ...retry };
}

/** Why the agent has no such tool (03-R2). */
function offSurface(driver: Driver, { call }: CallState): string | undefined {
  if (isRepairing(driver.runState)) return "tools are withheld until the answer keeps its contract";
  const tool = driver.deps.tools.get(call.name);
  if (tool === undefined) return "tool not found";
  if (!isWithinScope(driver.session, tool)) return `tool '${call.name}' is not available in this session`;
  if (isVisible(driver.session, call.name)) return undefined;
  return unavailable(driver.session, call.name);
}

/** Of a call about which no rule was asked: every call has its line, whole (03, PermissionAudit). */
function unaskedAudit(driver: Driver, { call }: CallState, reason: string): PermissionAudit {
  return {
    scope: "session",
    tool_name: call.name,
    tool_call_id: call.id,
    decision: "deny",
    base_decision: "deny",
    effective_mode: modeFor(driver, call.id),
    matched_rule_origin: "static",
    reason,
  };
}

type Refusal = JsonObject & { error: string };

/** What else stops a call before anybody is asked about it (03-R1, 03-R3). */
function refuse(driver: Driver, { call }: CallState, index: number): Refusal | undefined {
  const { toolLimits } = driver;
  const { tools } = driver.deps;
  const tool: Tool | undefined = tools.get(call.name);
  if (tool === undefined) return undefined;
  if (index >= toolLimits.max_calls_per_turn) {
    return {
      error: `more than ${toolLimits.max_calls_per_turn} calls in one turn`,
      quota: "max_calls_per_turn",
      limit_calls: toolLimits.max_calls_per_turn,
      tool: tool.name,
    };
  }
  const beyond = overCeiling(tool, toolLimits);
  if (beyond !== undefined) return beyond;
  const bytes = Buffer.byteLength(JSON.stringify(call.input));
  if (bytes > toolLimits.max_input_bytes) {
    return {
      error: "the input is too large",
      quota: "input_bytes",
      limit_bytes: toolLimits.max_input_bytes,
      actual_bytes: bytes,
      tool: tool.name,
    };
  }
  const parsed = tool.parse(call.input);
  return parsed.ok ? undefined : { error: parsed.error };
}

function finish(driver: Driver, change: SessionChange, { call }: CallState, output: Json): void {
  change.emit("tool_call_finished", {
    run_id: driver.run.id,
    call_id: call.id,
    result: { call_id: call.id, tool_name: call.name, output, is_error: true },
    ledger: "denied",
  });
}

/** Parks the run: one approval record per call, the wait on the run, deadlines in the timer queue. */
async function ask(
  driver: Driver,
  change: SessionChange,
  asked: readonly { call: CallState; verdict: Verdict }[],
): Promise<void> {
  const { run, runState } = driver;
  await driver.sessionFor(change);
  const first = await driver.deps.store.reserveIds("approval", asked.length);
  const requests = asked.map(({ call, verdict }, index) =>
    approvalFor(driver, change.now, call, verdict, first + index),
  );
  for (const [index, request] of requests.entries()) {
    const audit = asked[index]?.verdict.audit;
    if (audit !== undefined) {
      change.emit("permission_audit", {
        run_id: run.id,
        audit: { ...audit, approval_request_id: request.id },
      });
    }
    const record: ApprovalRecord = {
      request,
      session_id: driver.sessionId,
      run_id: run.id,
      message_seq: runState.message_seq,
      created_at_ms: change.now,
    };
    change.put("approval", request.id, record, 0);
    if (request.expires_at_ms !== undefined) change.remind(`approval/${request.id}`, request.expires_at_ms);
  }
  announce(driver.deps.hooks, change, driver.session, "notification", {
    runId: run.id,
    subject: "approval_requested",
    place: ["notification", runState.message_seq],
    payload: { kind: "approval_requested", request_ids: requests.map(({ id }) => id) },
  });
  change.emit("waiting_for_approval", { run_id: run.id, message_seq: runState.message_seq, requests });
  change.put(
    "run",
    run.id,
    {
      ...run.data,
      status: "waiting_for_approval",
      updated_at_ms: change.now,
      pending_approval_ids: requests.map((request) => request.id),
      request: {
        ...run.data.request,
        approval_count: (run.data.request.approval_count ?? 0) + requests.length,
      },
      usage: runState.usage,
    },
    run.revision,
  );
  change.updateSession({ status: "waiting_for_approval", pending_approvals: requests.length });
}

function approvalFor(
  driver: Driver,
  nowMs: number,
  { call, hooks }: CallState,
  verdict: Verdict,
  number: number,
): StoredApproval {
  const hash = createHash("sha256").update(call.id).digest("hex").slice(0, 8);
  const { operator } = driver.session;
  const timeoutMs = operator?.approval_timeout_ms ?? driver.deps.approvalTimeoutMs;
  return {
    id: `approval-${call.name}-${number}-${hash}`,
    tool_call_id: call.id,
    tool_name: call.name,
    ...(hooks?.edited === true ? { input: call.input } : {}),
    scope: verdict.audit.scope,
    reason: verdict.reason === "" ? "approval required" : verdict.reason,
    ...(verdict.required_approvals === undefined ? {} : { required_approvals: verdict.required_approvals }),
    ...(timeoutMs === 0
      ? {}
      : { expires_at_ms: nowMs + timeoutMs, on_timeout: operator?.approval_on_timeout ?? "deny" }),
  };
}
