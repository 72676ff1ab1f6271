import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { UpgradeEngine } from "./engines.ts";
import { fixtureVersions, readFixture } from "./fixtures.ts";
import type { Place } from "./place.ts";
import { APPROVAL_TIMEOUT_MS, BEHIND, FINISHED } from "./story.ts";
import { isShown, TakenOver } from "./taken-over.ts";

/** Every store that a released version may have left behind is taken over by this one. */
export function resumeSuite(engine: UpgradeEngine): void {
  describe.each(fixtureVersions(engine.name))(
    `a store that schema version %i of ${engine.name} wrote`,
    (version) => {
      let place: Place;
      beforeEach(async () => {
        place = await engine.place();
        await place.load(await readFixture(engine.name, version));
      });
      opening(engine, version, () => place);
      describe("under a daemon of today", () => resuming(() => place));
    },
  );
}

function opening(engine: UpgradeEngine, version: number, place: () => Place): void {
  const open = async (on: Place) => {
    const store = await on.open();
    await store.close();
    return store.schemaVersion;
  };

  test("is what its fixture says, and a store of its own version is left as it is", async () => {
    const fixture = await readFixture(engine.name, version);
    expect(await place().dump()).toBe(fixture);
    await open(place());
    if (version === engine.newest) expect(await place().dump()).toBe(fixture);
    else expect(await place().dump()).not.toBe(fixture);
  });

  test("opens with today's schema, the same as that of a new store, and opening it again changes nothing", async () => {
    expect(await open(place())).toBe(engine.newest);
    const fresh = await engine.place();
    await open(fresh);
    expect(await place().schema()).toEqual(await fresh.schema());
    const opened = await place().dump();
    expect(await open(place())).toBe(engine.newest);
    expect(await place().dump()).toBe(opened);
  });
}

function resuming(place: () => Place): void {
  let taken: TakenOver;
  beforeEach(async () => {
    taken = await TakenOver.boot(place());
  });
  afterEach(() => taken.close());

  test("01-R92 has what was over as it was", async () => {
    expect(await taken.run("finished")).toMatchObject({
      status: "completed",
      outputs: [{ content: 'read: {"did":"effect_read","input":{"n":1}}' }],
      usage: { model_calls: 2, tool_calls: 1, restarts: 0 },
    });
    expect(await taken.run("failed")).toMatchObject({
      status: "failed",
      error: expect.stringContaining("it was broken"),
    });
    expect(await taken.run("cancelled")).toMatchObject({ status: "cancelled" });
  });

  test("01-R90 01-R92 tells of a lost `once` effect as unknown, and does not repeat it", async () => {
    expect(await taken.reaches("once", "completed")).toMatchObject({
      outputs: [{ content: expect.stringContaining("outcome unknown") }],
      usage: { restarts: 1, tool_calls: 1 },
    });
    expect(await taken.session("once").events("tool_call_finished")).toMatchObject([
      { ledger: "unknown", result: { is_error: true, output: { outcome: "unknown", attempts: 1 } } },
    ]);
    await taken.atRest();
    expect(taken.world.outside.count("effect_once", { n: 4 })).toBe(0);
  });

  test.each([
    ["read", "effect_read", 5],
    ["idempotent", "effect_idempotent", 6],
  ])("01-R90 01-R92 makes a lost `%s` effect once more, under the key it left with", async (id, tool, n) => {
    expect(await taken.reaches(id, "completed")).toMatchObject({
      outputs: [{ content: `went on: {"did":"${tool}","input":{"n":${n}}}` }],
      usage: { restarts: 1 },
    });
    const attempts = await taken.session(id).events("tool_call_started");
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
    const [before, now] = attempts.map(({ idempotency_key }) => idempotency_key);
    expect(now).toBe(before);
    const done = taken.world.outside.done.filter((one) => one.tool === tool && one.key === before);
    expect(done).toHaveLength(1);
  });

  test("01-R43 01-R92 starts what was queued, in order, after the run before it", async () => {
    await taken.atRest();
    const runs = await taken.runs("once");
    expect(runs.map(({ status, outputs }) => [status, outputs?.[0]?.content])).toEqual([
      ["completed", expect.stringContaining("went on")],
      ["completed", "the first behind it"],
      ["completed", BEHIND.content],
    ]);
    const moves = (await taken.session("once").journal()).flatMap(({ type, data }) =>
      type === "started" || type === "completed" ? [[data.run_id, type]] : [],
    );
    expect(moves).toEqual(
      runs.flatMap(({ run_id }) => [
        [run_id, "started"],
        [run_id, "completed"],
      ]),
    );
  });

  test("01-R92 an approval is there to be given, and the run goes on with it", async () => {
    const run = await taken.run("approval");
    const [request] = run.pending_approvals ?? [];
    expect(request).toMatchObject({ tool_name: "bash", input: { n: 2 } });
    await taken.session("approval").resolve(run.run_id, { request_id: request?.id ?? "", behavior: "allow" });
    expect(await taken.reaches("approval", "completed")).toMatchObject({
      outputs: [{ content: 'decided: {"did":"bash","input":{"n":2}}' }],
    });
    expect(taken.world.outside.count("bash", { n: 2 })).toBe(1);
  });

  test("01-R92 an approval that nobody gives lapses at the deadline it had", async () => {
    const deadline = (await taken.run("lapsing")).pending_approvals?.[0]?.expires_at_ms ?? 0;
    const { clock } = taken.world.rig;
    expect(deadline - clock.now(), "the downtime counts").toBeLessThan(APPROVAL_TIMEOUT_MS);
    await clock.advance(deadline - 1 - clock.now());
    expect(await taken.run("lapsing")).toMatchObject({ status: "waiting_for_approval" });
    await clock.advance(1_000);
    await taken.reaches("lapsing", "completed");
    expect(await taken.session("lapsing").events("tool_call_finished")).toMatchObject([{ ledger: "denied" }]);
    expect(taken.world.outside.count("bash", { n: 3 })).toBe(0);
  });

  test("01-R92 a question is there to be answered, and the run goes on with the answer", async () => {
    const { run_id } = await taken.run("question");
    await taken.session("question").answer(run_id, "option-1");
    expect(await taken.reaches("question", "completed")).toMatchObject({
      outputs: [{ content: expect.stringMatching(/^answered: .*Yes/) }],
    });
  });

  test("01-R88 the next prompt of a compacted session begins with its summary", async () => {
    const { run_id } = await taken.session("compacted").submit("and now?");
    expect(await taken.session("compacted").reaches(run_id, "completed")).toMatchObject({
      outputs: [{ content: "and now?" }],
    });
    const prompt = taken.world.requests.find(({ session_id }) => session_id === "compacted")?.messages ?? [];
    expect(JSON.stringify(prompt[0])).toMatch(/User messages:.*Page 1\./);
    const shown = JSON.stringify(prompt.slice(1));
    expect(shown).toContain("Page 5.");
    expect(shown).not.toContain("Page 1.");
  });

  test("01-R68 01-R92 a goal is worked on until it is reached", async () => {
    await taken.atRest();
    const runs = await taken.runs("goal");
    expect(runs.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      "input completed",
      "goal_continuation completed",
    ]);
    expect(await taken.goal()).toMatchObject({
      status: "complete",
      objective: "see it through",
      created_by_run_id: runs[0]?.run_id,
      completed_by_run_id: runs[1]?.run_id,
    });
    expect(taken.world.outside.count("effect_read", { n: 7 })).toBe(1);
  });

  test("01-R28 01-R30 a key that was used stands for the run it made, and for nothing else", async () => {
    const before = await taken.daemon.runs();
    for (const [id, body, made] of [
      ["finished", FINISHED, 0],
      ["once", BEHIND, 2],
    ] as const) {
      const again = await taken.submit(id, body);
      expect(again.run_id).toBe((await taken.runs(id))[made]?.run_id);
      await expect(taken.submit(id, { ...body, content: "something else" })).rejects.toMatchObject({
        code: "idempotency_conflict",
      });
    }
    expect(await taken.daemon.runs()).toHaveLength(before.length);
  });

  test("01-R58 K3 K4 the journal goes on where it ended, and a stream from cursor 0 has no gap", async () => {
    await taken.atRest();
    const journal = await taken.journal();
    expect(journal.length).toBeGreaterThan(taken.found.length);
    expect(journal.slice(0, taken.found.length)).toEqual(taken.found);
    for (const stream of new Set(journal.map((event) => event.stream))) {
      const seqs = journal.filter((event) => event.stream === stream).map(({ seq }) => seq);
      expect(seqs, stream).toEqual(seqs.map((_, index) => index + 1));
    }
    const ids = (await taken.streamed()).flatMap(({ id }) => id ?? []);
    expect(ids).toEqual(journal.filter(isShown).map(({ position }) => String(position)));
  });
}
