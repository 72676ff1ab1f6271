import { describe, expect, it } from "vitest";
import { DEFAULT_TOOL_LIMITS, type SandboxProfile, type Tool, type ToolRuntimeLimits } from "../ports.ts";
import { SessionChange } from "../session-change.ts";
import type { CallState } from "../state.ts";
import { assistant, call, History, NOW, RUN, runIn } from "../testing.ts";
import { dispatch } from "./dispatch.ts";
import type { Driver } from "./driver.ts";

type Shape = { parallel?: boolean; sandbox?: SandboxProfile } | "gone";

/** What dispatch needs of a driver, for calls of tools of these shapes. */
function dispatched(shapes: readonly Shape[], limits: Partial<ToolRuntimeLimits> = {}) {
  const history = new History();
  history.start();
  history.says(assistant("", { calls: shapes.map((_, index) => call(`c${index}`, `tool-${index}`)) }));
  const runState = runIn(history.state);
  const get = (name: string) => {
    const shape = shapes[Number(name.slice("tool-".length))] ?? "gone";
    if (shape === "gone") return undefined;
    const { parallel = false, sandbox = "inherited" } = shape;
    return { name, effect: "once", sandbox, allowsParallel: parallel } as Tool;
  };
  const deps = { tools: { get }, hooks: { active: false } };
  const toolLimits = { ...DEFAULT_TOOL_LIMITS, ...limits };
  const run = { id: RUN, data: { run_id: RUN } };
  const driver = { deps, toolLimits, runState, run, session: {} } as unknown as Driver;
  const change = new SessionChange("s", 0, NOW);
  const effect = dispatch(driver, change, runState.calls);
  const events = change.ops().flatMap((op) => (op.op === "append" ? op.events : []));
  return { batch: effect?.kind === "run_tools" ? effect.calls.map(idOf) : [], events };
}

function idOf(one: CallState): string {
  return one.call.id;
}

describe("03-R7: the next batch", () => {
  const together = { parallel: true };
  const alone = { parallel: false };

  it.each<[string, Shape[], string[]]>([
    ["all that may run together", [together, together, together], ["c0", "c1", "c2"]],
    ["up to the first that runs alone", [together, alone, together], ["c0"]],
    ["the one that runs alone", [alone, together], ["c0"]],
  ])("is %s", (_what, shapes, batch) => {
    expect(dispatched(shapes).batch).toEqual(batch);
  });

  it("is at most max_parallel_tools", () => {
    const many = Array.from({ length: 20 }, () => together);
    expect(dispatched(many).batch).toHaveLength(16);
    expect(dispatched(many, { max_parallel_tools: 3 }).batch).toEqual(["c0", "c1", "c2"]);
  });

  it("is on record with its attempt and a key of its own, and nothing else is", () => {
    const { events } = dispatched([together, together, alone]);
    expect(events.map(({ type, data }) => ({ type, data }))).toMatchObject([
      { type: "tool_call_started", data: { call_id: "c0", attempt: 1, effect: "once" } },
      { type: "tool_call_started", data: { call_id: "c1", attempt: 1, effect: "once" } },
    ]);
    const keys = events.map(({ data }) => (data as { idempotency_key: string }).idempotency_key);
    expect(new Set(keys).size).toBe(2);
  });

  it("01 weakness 2: passes over a tool that is gone since it was allowed", () => {
    const { batch, events } = dispatched(["gone", alone]);
    expect(batch).toEqual(["c1"]);
    expect(events[0]).toMatchObject({
      type: "tool_call_finished",
      data: { call_id: "c0", ledger: "denied", result: { output: { error: "tool not found" } } },
    });
  });
});

describe("03-R8: the sandbox ceiling", () => {
  const profiles: SandboxProfile[] = ["inherited", "read_only", "workspace_write", "network_enabled"];
  const pairs = profiles.flatMap((ceiling) => profiles.map((sandbox) => ({ ceiling, sandbox })));

  it.each(pairs)("$ceiling over a tool of $sandbox", ({ ceiling, sandbox }) => {
    const { batch, events } = dispatched([{ sandbox }], { max_sandbox: ceiling });
    const allowed = profiles.indexOf(sandbox) <= profiles.indexOf(ceiling);
    expect(batch).toEqual(allowed ? ["c0"] : []);
    if (allowed) return;
    expect(events).toMatchObject([
      {
        data: { ledger: "denied", result: { is_error: true, output: { quota: "sandbox", tool: "tool-0" } } },
      },
    ]);
  });
});
