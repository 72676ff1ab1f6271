import type { IsolationName } from "@kheish/contract";
import { auditDispatch } from "../external-actions.ts";
import { hookView } from "../hooks/call.ts";
import { beforeDispatch } from "../hooks/due.ts";
import { idempotencyKey, unknownOutcome } from "../ledger.ts";
import type { SandboxProfile, Tool, ToolRuntimeLimits } from "../ports.ts";
import type { SessionRecord } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { skillAgainst } from "../skills/active.ts";
import type { CallState } from "../state.ts";
import type { Driver } from "./driver.ts";
import type { Effect } from "./effect.ts";
import { unavailable } from "./visible-tools.ts";

/** 03-R8. */
const SANDBOX_ORDER: readonly SandboxProfile[] = [
  "inherited",
  "read_only",
  "workspace_write",
  "network_enabled",
];

/**
 * Writes the dispatch of the next batch: as many parallel calls as may run together, or one that runs alone (03-R7).
 * The attempt is charged here, before the effect leaves. Hooks that a call has to pass come first.
 */
export function dispatch(
  driver: Driver,
  change: SessionChange,
  open: readonly CallState[],
): Effect | undefined {
  const { toolLimits } = driver;
  const { tools } = driver.deps;
  const batch: CallState[] = [];
  for (const call of open) {
    const tool = tools.get(call.call.name);
    const parallel = tool?.allowsParallel === true;
    if (batch.length > 0 && !parallel) break;
    if (skillAgainst(sessionOf(driver, change), call.call.name) !== undefined) {
      refuseBySkill(driver, change, call);
      continue;
    }
    const refusal = tool === undefined ? { error: "tool not found" } : overCeiling(tool, toolLimits);
    if (refusal !== undefined) {
      refuse(driver, change, call, refusal);
      continue;
    }
    batch.push(call);
    if (!parallel || batch.length >= toolLimits.max_parallel_tools) break;
  }
  const hooks = hookView(driver);
  const due = hooks === undefined ? [] : beforeDispatch(driver.runState, batch, hooks);
  if (due.length > 0) return { kind: "call_hooks", due };
  for (const call of batch) start(driver, change, call, tools.get(call.call.name)?.effect ?? "once");
  return batch.length === 0 ? undefined : { kind: "run_tools", calls: batch };
}

/** As this very change leaves it: a call before these may have made a skill active. */
function sessionOf(driver: Driver, change: SessionChange): SessionRecord {
  return change.sessionRead === undefined ? driver.session : change.session;
}

function refuseBySkill(driver: Driver, change: SessionChange, call: CallState): void {
  refuse(driver, change, call, { error: unavailable(sessionOf(driver, change), call.call.name) });
}

/** What a call is told whose tool wants more than the ceiling; undefined when it does not (03-R8). */
export function overCeiling(
  { name, sandbox }: Pick<Tool, "name" | "sandbox">,
  { max_sandbox: ceiling }: ToolRuntimeLimits,
): { error: string; quota: string; tool: string } | undefined {
  if (SANDBOX_ORDER.indexOf(sandbox) <= SANDBOX_ORDER.indexOf(ceiling)) return undefined;
  return { error: `the sandbox ceiling is ${ceiling}`, quota: "sandbox", tool: name };
}

export function start(
  driver: Driver,
  change: SessionChange,
  call: CallState,
  effect: NonNullable<CallState["effect"]>,
): void {
  const { runState } = driver;
  auditDispatch(change, driver.run.data, driver.deps.tools, call);
  const sandbox = driver.deps.tools.get(call.call.name)?.isolation;
  if (sandbox !== undefined) keepSandbox(driver, change, sandbox);
  change.emit("tool_call_started", {
    run_id: driver.run.id,
    call_id: call.call.id,
    tool_name: call.call.name,
    attempt: call.attempt + 1,
    effect,
    ...(sandbox === undefined ? {} : { sandbox }),
    idempotency_key:
      call.idempotency_key ??
      idempotencyKey({
        run_id: driver.run.id,
        message_seq: runState.message_seq,
        index: runState.calls.indexOf(call),
        tool_name: call.call.name,
        input: call.call.input,
      }),
  });
}

/** A run says what its commands were kept in; once one was in nothing, it says so for good. */
function keepSandbox(driver: Driver, change: SessionChange, sandbox: IsolationName): void {
  const { run } = driver;
  // It may have been written in this very change.
  const data = change.landed("run", run.id)?.data ?? run.data;
  if (data.sandbox === sandbox || data.sandbox === "none") return;
  change.put("run", run.id, { ...data, sandbox }, run.revision);
}

/** A call that may not leave now. What of an earlier attempt is not known stays unknown: that one did leave (01-R93). */
function refuse(driver: Driver, change: SessionChange, call: CallState, output: { error: string }): void {
  const { id, name } = call.call;
  const hasLeft = call.left_before === true || (call.attempt > 0 && call.not_applied !== true);
  const told = unknownOutcome(call, `It was to be run again and cannot be: ${output.error}.`);
  change.emit("tool_call_finished", {
    run_id: driver.run.id,
    call_id: id,
    result: { call_id: id, tool_name: name, output: hasLeft ? told : output, is_error: true },
    ledger: hasLeft ? (call.effect === "once" ? "unknown" : "failed") : "denied",
  });
}
