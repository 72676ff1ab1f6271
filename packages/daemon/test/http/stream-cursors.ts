import type { EndpointId } from "@kheish/contract";
import { expect, test } from "vitest";
import type { LooseCall } from "./support/client.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { say, script, use } from "./support/script.ts";
import { idsOf, isAscending, runIn } from "./support/stream.ts";

/** Above every id that will ever be given. */
const BEYOND = "18446744073709551615";

export function streamCursors(fixture: Fixture): void {
  const { api } = fixture;

  test("01-R54 ids are decimal and only grow, and the newest one is in the status", async () => {
    const run = await fixture.finish(await fixture.session(), script(use("noop", {}), say("done")));
    const ids = idsOf(await fixture.historyOf(run.run_id));
    expect(ids.length).toBeGreaterThan(5);
    expect(isAscending(ids)).toBe(true);
    const { events } = await api.call("status");
    const newest = BigInt(events.tail_event_id_cursor);
    expect(newest).toBeGreaterThanOrEqual(ids.at(-1) ?? newest);
    expect(BigInt(events.next_event_id)).toBeGreaterThan(newest);
  });

  test.each(["abc", "-1", "1.5", "0x10", "1e3", "1 2", "\u00b2"])(
    "01-R57 '%s' is refused before the stream opens",
    async (cursor) => {
      const { run_id, session_id } = await fixture.begin("hi");
      const streams: [EndpointId, LooseCall][] = [
        ["eventsStream", {}],
        ["sessionStream", at(session_id)],
        ["runStream", of(run_id)],
      ];
      for (const [endpoint, call] of streams) {
        for (const given of [{ query: { cursor } }, { headers: { "last-event-id": cursor } }]) {
          const refused = await api.refusal(endpoint, { ...call, ...given });
          expect(refused).toMatchObject({ status: 400, domain: "events", code: "invalid_event_cursor" });
        }
      }
    },
  );

  test("01-R57 of header and query the larger one counts, by its value, and a blank one does not", async () => {
    const { run_id } = await fixture.finish(await fixture.session(), "hi");
    const [first, , third, fourth] = (await fixture.historyOf(run_id)).map(({ id }) => id ?? "");
    if (first === undefined || third === undefined) throw new Error("a run has more events than that");
    const pairs = [
      [first, third],
      [third, first],
      ["  ", third],
      [third, ""],
      ["0", third],
      ["00000000000000000001", third],
    ];
    for (const [header = "", cursor = ""] of pairs) {
      const call = { query: { cursor, until: "terminal" }, headers: { "last-event-id": header } };
      const stream = await fixture.stream("runStream", { ...of(run_id), ...call });
      expect((await stream.next())?.id).toBe(fourth);
      stream.close();
    }
  });

  test.each([{}, { cursor: BEYOND }, { cursor: "" }])(
    "01-R58 with %o a stream begins with what is new",
    async (query) => {
      const session_id = await fixture.session();
      await fixture.finish(session_id, "old");
      const stream = await fixture.stream("sessionStream", { ...at(session_id), query });
      const { run_id } = await fixture.finish(session_id, "new");
      const first = await stream.until(() => true);
      expect(runIn(first)).toMatchObject({ run_id, status: "queued" });
    },
  );

  test("01-R58 with cursor 0 it begins with the first event there is", async () => {
    const session_id = await fixture.session();
    const { run_id } = await fixture.finish(session_id, "old");
    const stream = await fixture.stream("sessionStream", { ...at(session_id), query: { cursor: "0" } });
    expect((await stream.next())?.data).toMatchObject({ type: "session_snapshot", session_id });
    expect(runIn(await stream.until(() => true))?.run_id).toBe(run_id);
  });

  test("01-R65 the safe pattern: cursor from the status, then the state, then the stream", async () => {
    const { run_id } = await fixture.begin(script({ delay_ms: 600_000 }));
    const { events } = await api.call("status");
    const cursor = events.tail_event_id_cursor;
    await fixture.run(run_id);
    await fixture.cancel(run_id);
    const stream = await fixture.stream("runStream", { ...of(run_id), query: { cursor, until: "terminal" } });
    const later = idsOf(await fixture.historyOf(run_id)).filter((id) => id > BigInt(cursor));
    expect(idsOf(await stream.rest())).toEqual(later);
    expect(later.length).toBeGreaterThan(0);
  });
}
