import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import { DEFAULT_TOOL_LIMITS, type Tool, type ToolOutcome } from "../ports.ts";
import { assistant, call, History, RUN, runIn } from "../testing.ts";
import type { Driver } from "./driver.ts";
import { runTools } from "./run-tools.ts";
import { StopSignal } from "./stop.ts";

/** What running a call needs of a driver. */
function driverOf(clock: SimulatedClock, execute: Tool["execute"]): Driver {
  const history = new History();
  history.start();
  history.says(assistant("", { calls: [call("a", "work")] }));
  history.allows("a");
  history.dispatches("a");
  const tool = {
    name: "work",
    effect: "read",
    timeoutMs: 1_000,
    parse: (input: unknown) => ({ ok: true, input }),
    execute,
  };
  const deps = { clock, tools: { get: () => tool } };
  const toolLimits = DEFAULT_TOOL_LIMITS;
  return {
    deps,
    toolLimits,
    state: history.state,
    runState: runIn(history.state),
    run: { id: RUN, data: {} },
    session: {},
    sessionId: "s",
  } as unknown as Driver;
}

function listenersOf(stop: StopSignal): number {
  return [stop.soft, stop.hard, stop.abandoned].flatMap((signal) => getEventListeners(signal, "abort"))
    .length;
}

describe("a call that is over", () => {
  it("leaves nothing behind in its run, which may make ten thousand of them", async () => {
    const clock = new SimulatedClock();
    const stop = new StopSignal();
    const driver = driverOf(clock, async () => ({ kind: "result", output: "ok", is_error: false }));
    for (let step = 0; step < 3; step++) await runTools(driver, stop, driver.runState.calls);
    expect(listenersOf(stop)).toBe(0);
    expect(clock.nextDueAt()).toBeUndefined();
  });

  it("while it runs it does listen", async () => {
    const clock = new SimulatedClock();
    const stop = new StopSignal();
    const door = Promise.withResolvers<ToolOutcome>();
    const driver = driverOf(clock, () => door.promise);
    const running = runTools(driver, stop, driver.runState.calls);
    expect(listenersOf(stop)).toBeGreaterThan(0);
    expect(clock.nextDueAt()).toBe(clock.now() + 1_000);
    door.resolve({ kind: "result", output: "ok", is_error: false });
    await running;
    expect(listenersOf(stop)).toBe(0);
  });
});
