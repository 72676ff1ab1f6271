import { describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { ASKING, GATED, say, script, use } from "./support/script.ts";
import { type EventStream, type Frame, idsOf, runIn, shows, showsEndOf } from "./support/stream.ts";

const SNAPSHOT = { query: { snapshot: "true" } };

export function streamOptions(fixture: Fixture): void {
  const { api } = fixture;

  describe("01-A8 snapshot=true", () => {
    test("of a run: one run_updated as it is, then what follows its id", async () => {
      const { run_id } = await fixture.beginWaiting(ASKING);
      const stream = await fixture.stream("runStream", { ...of(run_id), ...SNAPSHOT });
      const first = await stream.until(() => true);
      const { deliveries: _onlyOfTheView, ...current } = await fixture.run(run_id);
      expect(runIn(first)).toEqual(current);
      await fixture.cancel(run_id);
      await stream.until(showsEndOf(run_id));
      const [snapshot = 0n, ...rest] = idsOf(stream.frames);
      const all = idsOf(await fixture.historyOf(run_id));
      expect(rest).toEqual(all.filter((id) => id > snapshot));
    });

    test("of a run that is over: its end, and then nothing", async () => {
      const { run_id } = await fixture.finish(await fixture.session(), script(say("hello")));
      const stream = await fixture.stream("runStream", { ...of(run_id), ...SNAPSHOT });
      expect(runIn(await stream.until(() => true))).toMatchObject({ run_id, status: "completed" });
      await fixture.staysQuiet(stream);
    });

    test("of a session: one session_snapshot with what it waits for, then what follows its id", async () => {
      const { run_id, session_id } = await fixture.beginWaiting(GATED);
      const stream = await fixture.stream("sessionStream", { ...at(session_id), ...SNAPSHOT });
      const first = await stream.next();
      const { snapshot } = await api.call("getSession", at(session_id));
      expect(snapshot.pending_approvals).toHaveLength(1);
      expect(first?.data).toEqual({ type: "session_snapshot", session_id, snapshot });
      await fixture.cancel(run_id);
      await stream.until(shows(run_id, "cancelled"));
      const [reflected = 0n, ...rest] = idsOf(stream.frames);
      expect(rest.every((id) => id > reflected)).toBe(true);
    });

    test("of the daemon: nothing is sent first", async () => {
      const stream = await fixture.stream("eventsStream", SNAPSHOT);
      const session_id = await fixture.session();
      expect((await stream.next())?.data).toMatchObject({ type: "session_snapshot", session_id });
    });
  });

  describe("01-A8 until=terminal", () => {
    test("the stream ends behind the frame that shows the end", async () => {
      const { run_id } = await fixture.begin(ASKING);
      const stream = await fixture.stream("runStream", { ...of(run_id), query: { until: "terminal" } });
      await fixture.reaches(run_id, "waiting_for_user_question");
      await fixture.cancel(run_id);
      const ends = (await stream.rest()).map(showsEndOf(run_id));
      expect(ends.lastIndexOf(true)).toBe(ends.length - 1);
      expect(ends.filter((isEnd) => isEnd)).toHaveLength(1);
    });

    test("of a run that is over: what the reader has not seen, at least its end, unless it has seen all", async () => {
      const { run_id } = await fixture.finish(await fixture.session(), script(say("hello")));
      const read = async (query: Record<string, string>) => {
        const stream = await fixture.stream("runStream", {
          ...of(run_id),
          query: { until: "terminal", ...query },
        });
        return stream.rest();
      };
      const all = await fixture.historyOf(run_id);
      for (const query of [{}, SNAPSHOT.query]) {
        expect((await read(query)).map(runIn)).toMatchObject([{ run_id, status: "completed" }]);
      }
      for (const [index, { id = "" }] of all.entries()) {
        expect(await read({ cursor: id })).toEqual(all.slice(index + 1));
      }
      expect(await read({ cursor: "18446744073709551615" })).toEqual([]);
    });

    test.each([
      ["sessionStream", { until: "terminal" }],
      ["eventsStream", { until: "terminal" }],
      ["runStream", { until: "bogus" }],
      ["sessionStream", { until: "bogus" }],
    ] as const)("%s with %o: 400 invalid_stream_option", async (endpoint, query) => {
      const { run_id, session_id } = await fixture.begin("hi");
      const refused = await api.refusal(endpoint, { params: { run_id, session_id }, query });
      expect(refused).toMatchObject({ status: 400, domain: "events", code: "invalid_stream_option" });
    });
  });

  describe("02-R74 traces of kind external_action", () => {
    const actionsIn = (frames: readonly Frame[]) =>
      frames.flatMap(({ id, data }) =>
        data.type === "trace" && data.trace.kind === "external_action" ? [{ id, ...data.trace }] : [],
      );

    test("tell what leaves for a run as it leaves, before its end, without an id, and are no history", async () => {
      const session_id = await fixture.session();
      const streams = [
        await fixture.stream("sessionStream", at(session_id)),
        await fixture.stream("eventsStream"),
      ];
      const elsewhere = await fixture.stream("eventsStream", { query: { session_id: "elsewhere" } });
      const { run_id } = await fixture.submit(session_id, script(use("noop", {}), { text: "done" }));
      for (const stream of streams) await stream.until(showsEndOf(run_id));

      const common = { id: undefined, kind: "external_action", session_id, run_id };
      const model = { kind: "provider_request", target: "simulator" };
      const tool = { kind: "tool", target: "noop", tool_call_id: expect.any(String) };
      for (const { frames } of streams) {
        const told = actionsIn(frames).filter((trace) => trace.run_id === run_id);
        expect(told).toMatchObject(
          [
            { ...model, phase: "request", request_digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
            { ...model, phase: "response", outcome: "ok" },
            { ...tool, phase: "request" },
            { ...tool, phase: "response", outcome: "ok" },
            { ...model, phase: "request" },
            { ...model, phase: "response", outcome: "ok" },
          ].map((data) => ({ ...common, data })),
        );
      }
      expect(actionsIn(await fixture.historyOf(run_id))).toEqual([]);
      await fixture.staysQuiet(elsewhere);
    });
  });

  describe("01-A9 output_delta", () => {
    const deltasIn = ({ frames }: EventStream) =>
      frames.flatMap(({ id, data }) => (data.type === "output_delta" ? [{ id, ...data }] : []));

    test("shows text and reasoning as they come, without an id, and is no history", async () => {
      const session_id = await fixture.session();
      const stream = await fixture.stream("sessionStream", at(session_id));
      const talk = { reasoning: "Hm.", text: "one two three", chunks: 3, chunk_delay_ms: 5 };
      const { run_id } = await fixture.submit(session_id, script(use("noop", {}), talk));
      await stream.until(showsEndOf(run_id));

      const deltas = deltasIn(stream);
      const said = (part: string) => deltas.filter((delta) => delta.part === part).map(({ text }) => text);
      expect(said("reasoning").join("")).toBe("Hm.");
      // Where it is cut is the daemon's choice: what may be the beginning of a secret is held back.
      expect(said("text").join("")).toBe("one two three");
      expect(said("text").length).toBeGreaterThan(1);
      const delta = { type: "output_delta", id: undefined, run_id, session_id, turn: 1 };
      for (const shown of deltas) expect(shown).toMatchObject(delta);
      const isMessage = ({ data }: Frame) => data.type === "trace" && data.trace.kind === "message_appended";
      const lastDelta = stream.frames.findLastIndex(({ event }) => event === "output_delta");
      expect(lastDelta).toBeLessThan(stream.frames.findLastIndex(isMessage));
      const history = await fixture.historyOf(run_id);
      expect(history.map(({ event }) => event)).not.toContain("output_delta");
    });

    test("comes to whoever watches that run, and to nobody else", async () => {
      const holder = await fixture.beginWaiting(ASKING);
      const { session_id } = holder;
      const { run_id } = await fixture.submit(session_id, script({ text: "abc", chunks: 3 }));
      const mine = await fixture.stream("runStream", of(run_id));
      const whole = await fixture.stream("eventsStream");
      const ofHolder = await fixture.stream("runStream", of(holder.run_id));
      const elsewhere = await fixture.stream("eventsStream", { query: { session_id: "elsewhere" } });
      await fixture.cancel(holder.run_id);
      for (const stream of [mine, whole]) {
        await stream.until(showsEndOf(run_id));
        expect(
          deltasIn(stream)
            .map(({ text }) => text)
            .join(""),
        ).toBe("abc");
      }
      await ofHolder.until(showsEndOf(holder.run_id));
      await fixture.staysQuiet(ofHolder);
      await fixture.staysQuiet(elsewhere);
    });
  });
}
