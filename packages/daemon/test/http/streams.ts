import type { EndpointId, RunView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { LooseCall } from "./client.ts";
import { type OpenStore, useDaemon } from "./fixture.ts";
import { ASKING, ENDLESS, GATED, say, script, use } from "./script.ts";
import { type EventStream, type Frame, runIn, shows, showsEndOf } from "./stream.ts";

const idsOf = (frames: readonly Frame[]) =>
  frames.flatMap(({ id }) => (id === undefined ? [] : [BigInt(id)]));
const ascending = (ids: readonly bigint[]) =>
  ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? id));

export function streams(openStore: OpenStore): void {
  const fixture = useDaemon(openStore);
  const { api } = fixture;
  const at = (session_id: string) => ({ params: { session_id } });
  const of = (run_id: string) => ({ params: { run_id } });
  const everything = { query: { cursor: "0" } };

  /** The frames of one run, all of them, as they can be read again. */
  const historyOf = async (run: RunView): Promise<Frame[]> => {
    const stream = await fixture.stream("runStream", {
      ...of(run.run_id),
      query: { cursor: "0", until: "terminal" },
    });
    return stream.rest();
  };
  /** Whether a stream that has ended its work is still open, proven by the end of other work. */
  const staysOpen = async (stream: EventStream) => {
    const next = stream.next().then(() => "said something");
    const quiet = fixture.begin(script(say("elsewhere"))).then(({ run_id }) => fixture.settles(run_id));
    expect(await Promise.race([next, quiet.then(() => "is quiet")])).toBe("is quiet");
    stream.close();
    await next.catch(() => undefined);
  };

  describe("ids", () => {
    test("01-R54 are decimal, only grow, and the newest one is in the status", async () => {
      const run = await fixture.settles((await fixture.begin(GATED_FREE)).run_id);
      const ids = idsOf(await historyOf(run));
      expect(ids.length).toBeGreaterThan(5);
      expect(ascending(ids)).toBe(true);
      const { events } = await api.call("status");
      expect(BigInt(events.tail_event_id_cursor)).toBeGreaterThanOrEqual(ids.at(-1) ?? 0n);
      expect(BigInt(events.next_event_id)).toBe(BigInt(events.tail_event_id_cursor) + 1n);
    });
  });

  describe("01-R57 the cursor", () => {
    test.each(["abc", "-1", "1.5", "0x10", "1e3", "١", "1 2"])(
      "'%s' is refused before the stream opens",
      async (cursor) => {
        const run = await fixture.settles((await fixture.begin("hi")).run_id);
        const calls: [EndpointId, LooseCall][] = [
          ["eventsStream", {}],
          ["sessionStream", at(run.session_id)],
          ["runStream", of(run.run_id)],
        ];
        for (const [endpoint, call] of calls) {
          const refused = await api.refusal(endpoint, { ...call, query: { cursor } });
          expect(refused).toMatchObject({ status: 400, domain: "events", code: "invalid_event_cursor" });
          if (cursor === "١") continue; // no header can carry it
          const header = await api.refusal(endpoint, { ...call, headers: { "last-event-id": cursor } });
          expect(header).toMatchObject({ status: 400, domain: "events", code: "invalid_event_cursor" });
        }
      },
    );

    test("of the header and that of the query: the larger one counts, and a blank one does not", async () => {
      const run = await fixture.settles((await fixture.begin("hi")).run_id);
      const all = await historyOf(run);
      const [first, , third, fourth] = all.map(({ id }) => id ?? "");
      if (first === undefined || third === undefined) throw new Error("a run has more events than that");
      for (const [header, cursor] of [
        [first, third],
        [third, first],
        ["  ", third],
        [third, ""],
        ["0", third],
        // Above 2^53 in the textual order only.
        ["00000000000000000001", third],
      ] as const) {
        const call = {
          ...of(run.run_id),
          query: { cursor, until: "terminal" },
          headers: { "last-event-id": header },
        };
        const stream = await fixture.stream("runStream", call);
        expect((await stream.next())?.id).toBe(fourth);
        stream.close();
      }
    });

    test("01-R58 none: only what is new; above the newest: the same", async () => {
      const session_id = await fixture.session();
      await fixture.finish(session_id, "old");
      for (const query of [{}, { cursor: "18446744073709551615" }]) {
        const stream = await fixture.stream("sessionStream", { ...at(session_id), query });
        const run = await fixture.finish(session_id, "new");
        const frame = await stream.until(() => true);
        expect(runIn(frame)).toMatchObject({ run_id: run.run_id, status: "queued" });
        stream.close();
      }
    });
  });

  describe("01-R59 replay and live", () => {
    test("meet without a gap or a duplicate, whenever a reader comes", async () => {
      const session_id = await fixture.session();
      const work = Array.from({ length: 12 }, (_, index) =>
        fixture.submit(session_id, script(use("noop", {}), say(`answer ${index}`))),
      );
      const readers = await Promise.all(
        work.map(async (submitted) => {
          await submitted;
          return fixture.stream("sessionStream", { ...at(session_id), ...everything });
        }),
      );
      const runs = await Promise.all(work);
      const last = runs.toSorted((a, b) => Number(a.run_id.slice(4)) - Number(b.run_id.slice(4))).at(-1);
      await Promise.all(runs.map(({ run_id }) => fixture.settles(run_id)));
      const isEnd = (frame: Frame) =>
        frame.data.type === "session_state_changed" && frame.data.status === "completed";
      const settled = await fixture.stream("sessionStream", { ...at(session_id), ...everything });
      await settled.until(isEnd);
      const expected = settled.frames.map(({ id }) => id);
      expect(ascending(idsOf(settled.frames))).toBe(true);
      for (const reader of readers) {
        await reader.until(isEnd);
        expect(reader.frames.filter(({ id }) => id !== undefined).map(({ id }) => id)).toEqual(expected);
      }
      expect(last).toBeDefined();
    });

    test("a long history comes page by page, whole", async () => {
      const content = JSON.stringify({ simulate: "load", steps: 200, tool: "noop" });
      const run = await fixture.settles((await fixture.begin(content)).run_id);
      const frames = await historyOf(run);
      const kinds = frames.map(({ data }) => (data.type === "trace" ? data.trace.kind : data.type));
      expect(kinds.filter((kind) => kind === "tool_call_finished")).toHaveLength(200);
      expect(kinds.at(-1)).toBe("run_updated");
      expect(ascending(idsOf(frames))).toBe(true);
      const seqs = frames.flatMap(({ data }) => (data.type === "trace" ? (data.trace.seq ?? 0) : []));
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    });

    test("an event that is too large for a frame is shown as that", async () => {
      const run = await fixture.settles((await fixture.begin("x".repeat(600_000))).run_id);
      const frames = await historyOf(run);
      const input = frames.find(({ data }) => data.type === "trace" && data.trace.kind === "input_received");
      expect(input?.data).toMatchObject({ trace: { data: { truncated: true, bytes: expect.any(Number) } } });
    });

    test("a reader that leaves is forgotten", async () => {
      const subscribers = async () => (await api.call("status")).events.subscriber_count;
      const stream = await fixture.stream("eventsStream");
      const other = await fixture.stream("eventsStream");
      await fixture.begin("hi");
      await Promise.all([stream.next(), other.next()]);
      expect(await subscribers()).toBeGreaterThanOrEqual(2);
      stream.close();
      other.close();
      await expect.poll(subscribers, { timeout: 5_000, interval: 10 }).toBe(0);
    });
  });

  describe("01-R64 scopes", () => {
    test("a session's stream has its own events only, a run's its own traces, outputs and updates only", async () => {
      const mine = await fixture.begin(ASKING);
      await fixture.submit(mine.session_id, script(say("second")));
      const other = await fixture.begin(script(say("other")));
      await fixture.settles(other.run_id);
      await fixture.reaches(mine.run_id, "waiting_for_user_question");
      await api.call("interruptSession", at(mine.session_id));
      await fixture.sessionReaches(mine.session_id, "completed");

      const session = await fixture.stream("sessionStream", { ...at(mine.session_id), ...everything });
      await session.until(({ data }) => data.type === "session_state_changed" && data.status === "completed");
      expect(new Set(session.frames.flatMap(({ data }) => sessionOf(data) ?? []))).toEqual(
        new Set([mine.session_id]),
      );
      expect(new Set(session.frames.map(({ event }) => event))).toEqual(
        new Set([
          "session_snapshot",
          "run_updated",
          "trace",
          "session_state_changed",
          "interrupted",
          "output",
        ]),
      );

      const frames = await historyOf(mine);
      expect(new Set(frames.map(({ event }) => event))).toEqual(new Set(["run_updated", "trace"]));
      for (const { data } of frames) {
        expect(
          data.type === "trace" ? data.trace.run_id : data.type === "run_updated" && data.run.run_id,
        ).toBe(mine.run_id);
      }
      expect((await historyOf(other)).map(({ event }) => event)).toContain("output");
    });

    test("the daemon's stream can be narrowed to a session or a run; only the whole one has runtime_updated", async () => {
      const { events } = await api.call("status");
      const cursor = events.tail_event_id_cursor;
      const run = await fixture.settles((await fixture.begin("mine")).run_id);
      await fixture.settles((await fixture.begin("not mine")).run_id);
      await api.call("setPermissionMode", { body: { mode: "plan" } });
      await api.call("setPermissionMode", { body: { mode: "default" } });
      const last = await fixture.submit(run.session_id, "last");
      await fixture.settles(last.run_id);

      const read = async (query: Record<string, string>, end: (frame: Frame) => boolean) => {
        const stream = await fixture.stream("eventsStream", { query: { cursor, ...query } });
        await stream.until(end);
        return stream.frames;
      };
      const whole = await read({}, showsEndOf(last.run_id));
      expect(whole.filter(({ event }) => event === "runtime_updated").map(({ data }) => data)).toMatchObject([
        { runtime: { permission_mode: expect.any(String) } },
        { runtime: { permission_mode: "default" } },
      ]);
      const bySession = await read({ session_id: run.session_id }, showsEndOf(last.run_id));
      expect(bySession).toEqual(whole.filter(({ data }) => sessionOf(data) === run.session_id));
      const byRun = await read({ run_id: run.run_id }, showsEndOf(run.run_id));
      expect(byRun).toEqual(
        (await historyOf(run)).filter(({ id }) => byRun.some((frame) => frame.id === id)),
      );
      expect(byRun).toHaveLength((await historyOf(run)).length);
    });

    test("a session or a run that nobody knows: 404 before the stream opens", async () => {
      expect(await api.refusal("sessionStream", at("nobody"))).toMatchObject({
        status: 404,
        code: "session_not_found",
      });
      expect(await api.refusal("runStream", of("run-999999"))).toMatchObject({
        status: 404,
        code: "run_not_found",
      });
    });
  });

  describe("01-R65 the end", () => {
    test("of a run is not that of its stream, nor the end of a session", async () => {
      const run = await fixture.begin(ENDLESS);
      const ofRun = await fixture.stream("runStream", of(run.run_id));
      const ofSession = await fixture.stream("sessionStream", at(run.session_id));
      await api.call("cancelRun", of(run.run_id));
      await api.call("endSession", { ...at(run.session_id), body: {} });
      await ofRun.until(showsEndOf(run.run_id));
      await ofSession.until(({ data }) => data.type === "session_snapshot");
      await staysOpen(ofRun);
      await staysOpen(ofSession);
    });

    test("the safe pattern: cursor from the status, then the state, then the stream", async () => {
      const run = await fixture.begin(ASKING);
      const { events } = await api.call("status");
      const before = await fixture.reaches(run.run_id, "waiting_for_user_question");
      const cursor = events.tail_event_id_cursor;
      const stream = await fixture.stream("runStream", { ...of(run.run_id), query: { cursor } });
      await api.call("cancelRun", of(run.run_id));
      await stream.until(showsEndOf(before.run_id));
      const all = await historyOf(run);
      expect(idsOf(stream.frames)).toEqual(idsOf(all).filter((id) => id > BigInt(cursor)));
    });
  });

  describe("01-A8 snapshot=true", () => {
    test.each(["running", "over"])(
      "of a run that is %s: one run_updated, then what follows its id",
      async (state) => {
        const run = await fixture.begin(state === "over" ? script(say("hello")) : ASKING);
        await fixture.reaches(run.run_id, "completed", "waiting_for_user_question");
        const stream = await fixture.stream("runStream", { ...of(run.run_id), query: { snapshot: "true" } });
        const first = await stream.next();
        const current = await fixture.run(run.run_id);
        expect(first && runIn(first)).toEqual(
          Object.fromEntries(Object.entries(current).filter(([name]) => name !== "deliveries")),
        );
        if (state === "over") return staysOpen(stream);
        await api.call("cancelRun", of(run.run_id));
        await stream.until(showsEndOf(run.run_id));
        const all = await historyOf(run);
        expect(idsOf(stream.frames).slice(1)).toEqual(idsOf(all).filter((id) => id > BigInt(first?.id ?? 0)));
      },
    );

    test("of a session: one session_snapshot with what it waits for, then what follows its id", async () => {
      const run = await fixture.beginWaiting(GATED);
      const stream = await fixture.stream("sessionStream", {
        ...at(run.session_id),
        query: { snapshot: "true" },
      });
      const first = await stream.next();
      const { snapshot } = await api.call("getSession", at(run.session_id));
      expect(first?.data).toEqual({ type: "session_snapshot", session_id: run.session_id, snapshot });
      expect(snapshot.pending_approvals).toHaveLength(1);
      await api.call("cancelRun", of(run.run_id));
      await stream.until(shows(run.run_id, "cancelled"));
      const { events } = await api.call("status");
      const later = idsOf(stream.frames.slice(1));
      expect(later.every((id) => id > BigInt(first?.id ?? events.next_event_id))).toBe(true);
    });

    test("of the daemon: nothing is sent first", async () => {
      const stream = await fixture.stream("eventsStream", { query: { snapshot: "true" } });
      const run = await fixture.begin("hi");
      const first = await stream.next();
      expect(first?.data).toMatchObject({ type: "session_snapshot", session_id: run.session_id });
      expect((await stream.next())?.data).toMatchObject({ type: "run_updated", run: { run_id: run.run_id } });
    });
  });

  describe("01-A8 until=terminal", () => {
    test("the stream ends behind the frame that shows the end", async () => {
      const run = await fixture.begin(ASKING);
      const stream = await fixture.stream("runStream", { ...of(run.run_id), query: { until: "terminal" } });
      await fixture.reaches(run.run_id, "waiting_for_user_question");
      await api.call("cancelRun", of(run.run_id));
      const frames = await stream.rest();
      expect(frames.filter(showsEndOf(run.run_id))).toHaveLength(1);
      expect(runIn(frames.at(-1) ?? frames[0] ?? { event: "", data: { type: "heartbeat" } })?.status).toBe(
        "cancelled",
      );
    });

    test("a run that is over: its end, also for a reader that has seen a part, and nothing for one that has seen all", async () => {
      const run = await fixture.settles((await fixture.begin(script(say("hello")))).run_id);
      const read = async (query: Record<string, string>) =>
        (
          await fixture.stream("runStream", { ...of(run.run_id), query: { until: "terminal", ...query } })
        ).rest();
      const all = await historyOf(run);
      for (const query of [{}, { snapshot: "true" }] as Record<string, string>[]) {
        const frames = await read(query);
        expect(frames.map(({ event }) => event)).toEqual(["run_updated"]);
        expect(runIn(frames[0] ?? all[0] ?? { event: "", data: { type: "heartbeat" } })?.status).toBe(
          "completed",
        );
      }
      for (const [index, { id = "" }] of all.entries())
        expect(await read({ cursor: id })).toEqual(all.slice(index + 1));
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

  describe("01-A9 output_delta", () => {
    test("shows text and reasoning as they come, without an id, and is no history", async () => {
      const session_id = await fixture.session();
      const stream = await fixture.stream("sessionStream", at(session_id));
      const run = await fixture.submit(
        session_id,
        script(use("noop", {}), { reasoning: "Hm.", text: "one two three", chunks: 3, chunk_delay_ms: 5 }),
      );
      await stream.until(showsEndOf(run.run_id));
      const deltas = stream.frames.filter(({ event }) => event === "output_delta");
      expect(deltas.every(({ id }) => id === undefined)).toBe(true);
      expect(deltas.map(({ data }) => data)).toEqual([
        { type: "output_delta", run_id: run.run_id, session_id, turn: 1, part: "reasoning", text: "Hm." },
        ...["one t", "wo th", "ree"].map((text) => ({
          type: "output_delta",
          run_id: run.run_id,
          session_id,
          turn: 1,
          part: "text",
          text,
        })),
      ]);
      const isMessage = ({ data }: Frame) => data.type === "trace" && data.trace.kind === "message_appended";
      const lastDelta = stream.frames.findLastIndex(({ event }) => event === "output_delta");
      expect(lastDelta).toBeLessThan(stream.frames.findLastIndex(isMessage));
      expect((await historyOf(run)).some(({ event }) => event === "output_delta")).toBe(false);
    });

    test("comes to whoever watches that run, and to nobody else", async () => {
      const session_id = await fixture.session();
      const holder = await fixture.submit(session_id, ASKING);
      const run = await fixture.submit(session_id, script({ text: "abc", chunks: 3, chunk_delay_ms: 2 }));
      await fixture.reaches(holder.run_id, "waiting_for_user_question");
      const mine = await fixture.stream("runStream", of(run.run_id));
      const holders = await fixture.stream("runStream", of(holder.run_id));
      const whole = await fixture.stream("eventsStream");
      const narrowed = await fixture.stream("eventsStream", { query: { session_id: "elsewhere" } });
      await api.call("cancelRun", of(holder.run_id));
      await mine.until(showsEndOf(run.run_id));
      await whole.until(showsEndOf(run.run_id));
      await holders.until(showsEndOf(holder.run_id));
      const textOf = ({ frames }: EventStream) =>
        frames.map(({ data }) => (data.type === "output_delta" ? data.text : "")).join("");
      expect([textOf(mine), textOf(whole), textOf(holders), textOf(narrowed)]).toEqual([
        "abc",
        "abc",
        "",
        "",
      ]);
    });
  });
}

/** A run with a call, without anybody to ask. */
const GATED_FREE = script(use("noop", {}), say("done"));

function sessionOf(data: Frame["data"]): string | undefined {
  switch (data.type) {
    case "trace":
      return data.trace.session_id;
    case "run_updated":
      return data.run.session_id;
    case "output":
      return data.output.session_id;
    case "session_state_changed":
    case "session_snapshot":
    case "interrupted":
    case "output_delta":
      return data.session_id;
    default:
      return undefined;
  }
}
