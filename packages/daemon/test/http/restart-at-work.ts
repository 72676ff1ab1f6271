import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ownTime } from "../support/own-time.ts";
import { ALLOW, Approver, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { bash, ENDLESS, say, script, use } from "./support/script.ts";
import { traces } from "./support/stream.ts";

/** A model call that lasts so long is cut off by a restart, also on a busy machine. */
const RESTARTED_WITHIN_MS = 3_000;

export function restartAtWork(fixture: Fixture): void {
  const { api } = fixture;
  const approver = new Approver(api);

  test("01, weakness 2: a model call that was cut off is made again, and what was done before is not", async () => {
    const content = script(use("noop", {}), { delay_ms: RESTARTED_WITHIN_MS, text: "after all" });
    const { run_id } = await fixture.begin(content);
    const stream = await fixture.stream("runStream", { ...of(run_id), query: { cursor: "0" } });
    await stream.until(traces("tool_call_finished"));
    await fixture.daemon.restart();
    const run = await fixture.settles(run_id);
    expect(run).toMatchObject({ outputs: [{ content: "after all" }], usage: { tool_calls: 1 } });
    const moves = ["accepted", "started", "resumed", "output", "completed"];
    expect(await fixture.movesOf(run_id)).toEqual(moves);
  });

  test("a command that was stopped is not run again, and the model is told", async () => {
    const content = script(bash("echo ran >> count; sleep 600"), say("{{last_tool_output}}"));
    const run = await fixture.beginWaiting(content);
    await approver.decide(run, [requestOf(run), ALLOW]);
    const count = () => readFile(join(fixture.daemon.workspace, "count"), "utf8").catch(() => "");
    await expect.poll(count, { interval: 10 }).toBe("ran\n");
    await fixture.daemon.restart();
    const done = await fixture.settles(run.run_id);
    expect(done.status).toBe("completed");
    expect(done.outputs?.[0]?.content).toContain("stopped before it finished");
    expect(await count()).toBe("ran\n");
  });

  test("01-R43 a queue that was waiting for its turn keeps its order", async () => {
    const session_id = await fixture.session();
    const submitted = [await fixture.submit(session_id, script({ delay_ms: 200, text: "first" }))];
    for (const name of ["second", "third", "fourth"]) {
      submitted.push(await fixture.submit(session_id, script(say(name))));
    }
    await fixture.daemon.restart();
    for (const { run_id } of submitted) await fixture.settles(run_id);
    const order = submitted.map(({ run_id }) => run_id);
    expect(await fixture.runsThat("started", session_id)).toEqual(order);
    expect(await fixture.runsThat("completed", session_id)).toEqual(order);
  });

  test("01: what was accepted while the daemon went down is not lost, nor done twice", async () => {
    const session_id = await fixture.session();
    const submissions = Array.from({ length: 60 }, (_, index) =>
      fixture.submit(session_id, script(say(`number ${index}`))).catch(() => undefined),
    );
    await submissions[20];
    await fixture.daemon.restart();
    const accepted = (await Promise.all(submissions)).flatMap((run) => run?.run_id ?? []);
    expect(accepted.length).toBeGreaterThan(0);
    for (const runId of accepted) expect((await fixture.settles(runId)).status).toBe("completed");
    const runs = await fixture.runsOf(session_id);
    await Promise.all(runs.map(({ run_id }) => fixture.settles(run_id)));
    const log = await api.call("sessionEvents", at(session_id));
    expect(log.daemon_outputs).toHaveLength(runs.length);
  });

  test("01-R99 the streams end", async () => {
    const { run_id, session_id } = await fixture.begin(ENDLESS);
    const ends = [
      await fixture.stream("eventsStream"),
      await fixture.stream("sessionStream", at(session_id)),
      await fixture.stream("runStream", of(run_id)),
    ].map((stream) => stream.rest());
    await fixture.daemon.restart();
    await Promise.all(ends);
    await fixture.cancel(run_id);
  });

  test("01-R25 who waits inline is told which run it is, and the run goes on", async () => {
    const session_id = await fixture.session();
    const body = { content: script({ delay_ms: RESTARTED_WITHIN_MS, text: "in the end" }) };
    const waiting = api.refusal("sessionInput", { ...at(session_id), body });
    await expect.poll(() => fixture.runsOf(session_id), { interval: 5 }).toHaveLength(1);
    await fixture.daemon.restart();
    const { run_id = "" } = await waiting;
    expect(await waiting).toMatchObject({ status: 503, domain: "readiness", code: "daemon_draining" });
    expect(await fixture.settles(run_id)).toMatchObject({ session_id, outputs: [{ content: "in the end" }] });
  });

  test("01-R99 probes say that it goes down while a command gets its last moment", async () => {
    // One that does not listen is given all of the moment: there is time to ask.
    const stubborn = "trap '' TERM; touch begun; while :; do sleep 0.1; done";
    const run = await fixture.beginWaiting(script(bash(stubborn), say("done")));
    await approver.decide(run, [requestOf(run), ALLOW]);
    const begun = () => readFile(join(fixture.daemon.workspace, "begun"), "utf8").catch(() => undefined);
    await expect.poll(begun, { interval: 10 }).toBe("");
    const stopped = fixture.daemon.stop();
    const refused = await api.refusal("readyz");
    expect(refused).toMatchObject({ status: 503, domain: "readiness", code: "daemon_draining" });
    expect(await api.call("healthz")).toBe("ok\n");
    await stopped;
    await fixture.daemon.start();
    expect(await api.call("readyz")).toBe("ready\n");
  });

  test("01-R99 it takes no longer than it must, and to ask twice is to ask once", async () => {
    const { run_id } = await fixture.begin(ENDLESS);
    const tookMs = await ownTime([], () => Promise.all([fixture.daemon.stop(), fixture.daemon.stop()]));
    expect(tookMs).toBeLessThan(1_000);
    await fixture.daemon.start();
    await fixture.cancel(run_id);
  });

  test("01-R97 the state root belongs to one daemon at a time", async () => {
    await expect(fixture.daemon.start()).rejects.toThrow(join(fixture.daemon.directory, "state"));
    const { storage } = await api.call("status");
    expect(storage.state_root_lock).toMatchObject({ held: true });
  });
}
