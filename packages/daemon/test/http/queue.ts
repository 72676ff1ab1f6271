import { expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ASKING, ENDLESS, say, script } from "./support/script.ts";
import { runIn, showsEndOf } from "./support/stream.ts";

export function queue(fixture: Fixture): void {
  test("01-R43 is first in, first out, one at a time, and no other session waits for it", async () => {
    const busy = await fixture.session();
    const holder = await fixture.submit(busy, ASKING);
    const queued = [];
    for (let index = 1; index <= 6; index++) {
      const run = await fixture.submit(busy, script(say(`number ${index}`)));
      expect(run).toMatchObject({ status: "queued", queued_position: index });
      queued.push(run);
    }
    const elsewhere = await fixture.settles((await fixture.begin(script(say("free")))).run_id);
    expect(elsewhere.status).toBe("completed");

    const stream = await fixture.stream("sessionStream", { ...at(busy), query: { cursor: "0" } });
    await fixture.reaches(holder.run_id, "waiting_for_user_question");
    await fixture.decline(holder.run_id);
    const last = queued.at(-1)?.run_id ?? "";
    await stream.until(showsEndOf(last));
    const moves = stream.frames
      .flatMap((frame) => runIn(frame) ?? [])
      .filter(({ run_id, status }) => run_id !== holder.run_id && status !== "queued");
    expect(moves.map(({ run_id, status }) => `${run_id} ${status}`)).toEqual(
      queued.flatMap(({ run_id }) => [`${run_id} running`, `${run_id} completed`]),
    );
    expect(await fixture.movesOf(last)).toEqual(["accepted", "queued", "started", "output", "completed"]);
  });

  test("01-R40 01-R46 a run that waits for a human keeps the slot; positions follow every shift", async () => {
    const session_id = await fixture.session();
    const holder = await fixture.submit(session_id, ASKING);
    const [a, b, c] = [
      await fixture.submit(session_id, script(say("a"))),
      await fixture.submit(session_id, script(say("b"))),
      await fixture.submit(session_id, script(say("c"))),
    ];
    await fixture.reaches(holder.run_id, "waiting_for_user_question");
    const positions = async () => {
      const places = (await fixture.runsOf(session_id)).map((run) => [run.run_id, run.queued_position]);
      return places.filter(([, position]) => position !== undefined);
    };
    expect(await positions()).toEqual([
      [a.run_id, 1],
      [b.run_id, 2],
      [c.run_id, 3],
    ]);
    await fixture.cancel(a.run_id);
    expect(await positions()).toEqual([
      [b.run_id, 1],
      [c.run_id, 2],
    ]);
    const late = await fixture.submit(session_id, script(say("d")));
    expect(late.queued_position).toBe(3);
    await fixture.quiet(session_id);
  });

  test("01-R46 whoever watches sees each new position", async () => {
    const session_id = await fixture.session();
    const holder = await fixture.submit(session_id, ENDLESS);
    const first = await fixture.submit(session_id, ENDLESS);
    const second = await fixture.submit(session_id, "hi");
    expect(second.queued_position).toBe(2);
    const stream = await fixture.stream("sessionStream", at(session_id));
    await fixture.cancel(holder.run_id);
    await stream.until((frame) => runIn(frame)?.status === "running");
    await fixture.cancel(second.run_id);
    await stream.until(showsEndOf(second.run_id));
    const shown = stream.frames
      .flatMap((frame) => runIn(frame) ?? [])
      .filter((run) => run.run_id === second.run_id);
    expect(shown.map((run) => run.queued_position)).toEqual([1, undefined]);
    await fixture.cancel(first.run_id);
  });

  test.each([
    ["completes", script(say("first"))],
    ["fails", script({ error: { status: 400, message: "broken", times: 0 } })],
  ])("01-R47 the next starts when the active run %s", async (_how, content) => {
    const session_id = await fixture.session();
    const first = await fixture.submit(session_id, content);
    const next = await fixture.finish(session_id, script(say("next")));
    expect(next.status).toBe("completed");
    expect(next.started_at_ms).toBeGreaterThanOrEqual((await fixture.run(first.run_id)).finished_at_ms ?? 0);
  });

  test("01-R43 thirty runs submitted at once to one session all run, in the order of acceptance", async () => {
    const session_id = await fixture.session();
    const submitted = await Promise.all(
      Array.from({ length: 30 }, (_, index) => fixture.submit(session_id, script(say(`run ${index}`)))),
    );
    await Promise.all(submitted.map(({ run_id }) => fixture.settles(run_id)));
    const accepted = await fixture.runsThat("accepted", session_id);
    expect(accepted).toHaveLength(30);
    expect(await fixture.runsThat("started", session_id)).toEqual(accepted);
    expect(await fixture.runsThat("completed", session_id)).toEqual(accepted);
  });
}
