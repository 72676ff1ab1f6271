import { describe, expect, it } from "vitest";
import { DaemonClient } from "./client/client.ts";
import { type Answer, fakeDaemon, inTurn, json, problem } from "./testing/fake-daemon.ts";
import { fastClock } from "./testing/run-cli.ts";
import { runView, waitingRun } from "./testing/samples.ts";
import { type WaitLimits, waitForRun } from "./wait.ts";

async function wait(answer: Answer, limits: Partial<WaitLimits> = {}) {
  const daemon = await fakeDaemon({ "GET /v1/runs/run-1": answer });
  const clock = fastClock();
  const client = new DaemonClient({ baseUrl: daemon.baseUrl, clock });
  const result = waitForRun(client, "run-1", clock, { pollIntervalMs: 500, graceMs: 1_500, ...limits });
  return { result, clock };
}

const running = json(runView());
const completed = json(runView({ status: "completed" }));
const draining = problem(503, "daemon_draining", "draining");

describe("waiting for a run", () => {
  it("looks until it has ended", async () => {
    const { result, clock } = await wait(inTurn(running, running, completed));
    expect(await result).toMatchObject({ run: { status: "completed" }, timedOut: false });
    expect(clock.slept).toEqual([500, 500]);
  });

  it("ends when it waits for a human", async () => {
    const { result } = await wait(inTurn(running, json(waitingRun())));
    expect(await result).toMatchObject({ run: { status: "waiting_for_approval" }, timedOut: false });
  });

  it("ends when the time is over, and sleeps no longer than that", async () => {
    const { result, clock } = await wait(running, { timeoutMs: 1_200 });
    expect(await result).toMatchObject({ run: { status: "running" }, timedOut: true });
    expect(clock.slept).toEqual([500, 500, 200]);
  });

  it("puts up with a daemon that is away, anew after each success", async () => {
    const { result } = await wait(
      inTurn(draining, draining, draining, running, draining, draining, draining, completed),
    );
    expect(await result).toMatchObject({ run: { status: "completed" } });
  });

  it("does not put up with it for longer than the grace", async () => {
    const { result, clock } = await wait(inTurn(running, draining));
    await expect(result).rejects.toMatchObject({ exitCode: 7 });
    expect(clock.slept).toEqual([500, 500, 500, 500]);
  });

  it("says once of each time that the daemon is away", async () => {
    const lost: string[] = [];
    const { result } = await wait(inTurn(draining, draining, running, draining, completed), {
      onLost: (why) => lost.push(why),
    });
    await result;
    expect(lost).toHaveLength(2);
    expect(lost[0]).toContain("daemon_draining");
  });

  it("does not repeat what will not get better", async () => {
    const { result, clock } = await wait(problem(404, "run_not_found", "no such run"));
    await expect(result).rejects.toMatchObject({ exitCode: 5 });
    expect(clock.slept).toEqual([]);
  });
});
