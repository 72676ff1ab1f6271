import { describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { ASKING, ENDLESS, say, script, use } from "./support/script.ts";
import { type Frame, idsOf, isAscending, runIn, sessionIn, showsEndOf } from "./support/stream.ts";

const FROM_THE_START = { query: { cursor: "0" } };

export function streams(fixture: Fixture): void {
  const { api } = fixture;

  describe("01-R59 replay and live", () => {
    test("meet without a gap or a duplicate, whenever a reader comes", async () => {
      const session_id = await fixture.session();
      const read = () => fixture.stream("sessionStream", { ...at(session_id), ...FROM_THE_START });
      const work = Array.from({ length: 12 }, (_, index) =>
        fixture.submit(session_id, script(use("noop", {}), say(`answer ${index}`))),
      );
      const readers = await Promise.all(work.map((submitted) => submitted.then(read)));
      for (const { run_id } of await Promise.all(work)) await fixture.settles(run_id);

      const isEnd = ({ data }: Frame) => data.type === "session_state_changed" && data.status === "completed";
      const late = await read();
      await late.until(isEnd);
      expect(isAscending(idsOf(late.frames))).toBe(true);
      for (const reader of readers) {
        await reader.until(isEnd);
        expect(idsOf(reader.frames)).toEqual(idsOf(late.frames));
      }
    });

    test("a long history comes page by page, whole", async () => {
      const content = JSON.stringify({ simulate: "load", steps: 200, tool: "noop" });
      const { run_id } = await fixture.finish(await fixture.session(), content);
      const frames = await fixture.historyOf(run_id);
      const kinds = frames.map(({ data }) => (data.type === "trace" ? data.trace.kind : data.type));
      expect(kinds.filter((kind) => kind === "tool_call_finished")).toHaveLength(200);
      expect(kinds.at(-1)).toBe("run_updated");
      expect(isAscending(idsOf(frames))).toBe(true);
    });

    test("an event that is too large for a frame is shown as that", async () => {
      const { run_id } = await fixture.finish(await fixture.session(), "x".repeat(600_000));
      const traces = (await fixture.historyOf(run_id)).flatMap(({ data }) =>
        data.type === "trace" ? [data.trace] : [],
      );
      const input = traces.find(({ kind }) => kind === "input_received");
      expect(input?.data).toEqual({ truncated: true, bytes: expect.any(Number) });
    });

    test("a reader that leaves is forgotten", async () => {
      const subscribers = async () => (await api.call("status")).events.subscriber_count;
      const readers = [await fixture.stream("eventsStream"), await fixture.stream("eventsStream")];
      await fixture.begin("hi");
      await Promise.all(readers.map((reader) => reader.next()));
      expect(await subscribers()).toBeGreaterThanOrEqual(2);
      for (const reader of readers) reader.close();
      await expect.poll(subscribers, { interval: 10 }).toBe(0);
    });
  });

  describe("01-R64 scopes", () => {
    test("a session's stream has its own events only", async () => {
      const mine = await fixture.beginWaiting(ASKING);
      const second = await fixture.submit(mine.session_id, script(say("second")));
      await fixture.finish(await fixture.session(), script(say("not mine")));
      await api.call("interruptSession", at(mine.session_id));
      await fixture.settles(second.run_id);

      const stream = await fixture.stream("sessionStream", { ...at(mine.session_id), ...FROM_THE_START });
      await stream.until(({ data }) => data.type === "session_state_changed" && data.status === "completed");
      expect(new Set(stream.frames.map(sessionIn))).toEqual(new Set([mine.session_id]));
      expect(new Set(stream.frames.map(({ event }) => event))).toEqual(
        new Set([
          "session_snapshot",
          "run_updated",
          "trace",
          "session_state_changed",
          "interrupted",
          "output",
        ]),
      );
    });

    test("a run's stream has its own updates, traces and outputs only", async () => {
      const waiting = await fixture.beginWaiting(ASKING);
      const next = await fixture.submit(waiting.session_id, script(say("next")));
      await api.call("interruptSession", at(waiting.session_id));
      await fixture.settles(next.run_id);
      const frames = await fixture.historyOf(next.run_id);
      expect(new Set(frames.map(({ event }) => event))).toEqual(new Set(["run_updated", "trace", "output"]));
      const runs = frames.map(({ data }) => {
        if (data.type === "trace") return data.trace.run_id;
        return data.type === "output" ? data.output.run_id : data.type === "run_updated" && data.run.run_id;
      });
      expect(new Set(runs)).toEqual(new Set([next.run_id]));
    });

    test("the daemon's stream can be narrowed to a session or a run; only the whole one has runtime_updated", async () => {
      const { events } = await api.call("status");
      const run = await fixture.finish(await fixture.session(), "mine");
      await fixture.finish(await fixture.session(), "not mine");
      await api.call("setPermissionMode", { body: { mode: "plan" } });
      await api.call("setPermissionMode", { body: { mode: "default" } });
      const last = await fixture.finish(run.session_id, "last");

      const read = async (query: Record<string, string>, end: string) => {
        const cursor = events.tail_event_id_cursor;
        const stream = await fixture.stream("eventsStream", { query: { cursor, ...query } });
        await stream.until(showsEndOf(end));
        return stream.frames;
      };
      const whole = await read({}, last.run_id);
      expect(whole.filter(({ event }) => event === "runtime_updated")).toHaveLength(2);
      const ofSession = whole.filter((frame) => sessionIn(frame) === run.session_id);
      expect(await read({ session_id: run.session_id }, last.run_id)).toEqual(ofSession);
      expect(await read({ run_id: run.run_id }, run.run_id)).toEqual(await fixture.historyOf(run.run_id));
    });

    test("a session or a run that nobody knows: 404 before the stream opens", async () => {
      const session = await api.refusal("sessionStream", at("nobody"));
      expect(session).toMatchObject({ status: 404, domain: "sessions", code: "session_not_found" });
      const run = await api.refusal("runStream", of("run-999999"));
      expect(run).toMatchObject({ status: 404, domain: "runs", code: "run_not_found" });
    });
  });

  test("01-R63 a stream that has nothing to say says that it is there, without an id", async () => {
    const session_id = await fixture.session();
    const stream = await fixture.stream("sessionStream", at(session_id));
    await stream.heartbeat();
    const { run_id } = await fixture.submit(session_id, "hi");
    expect(runIn(await stream.until(() => true))?.run_id).toBe(run_id);
  });

  test("01-R65 the end of a run ends no stream, nor does the end of a session", async () => {
    const run = await fixture.begin(ENDLESS);
    const ofRun = await fixture.stream("runStream", of(run.run_id));
    const ofSession = await fixture.stream("sessionStream", at(run.session_id));
    await fixture.cancel(run.run_id);
    await api.call("endSession", { ...at(run.session_id), body: {} });
    await ofRun.until(showsEndOf(run.run_id));
    await ofSession.until(({ event }) => event === "session_snapshot");
    await fixture.staysQuiet(ofRun);
    await fixture.staysQuiet(ofSession);
  });
}
