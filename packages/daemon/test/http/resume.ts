import type { EndpointId } from "@kheish/contract";
import { expect, test } from "vitest";
import type { LooseCall } from "./support/client.ts";
import { ALLOW, Approver, DENY, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { ASKING, bash, ENDLESS, say, script, use } from "./support/script.ts";
import { type Frame, idsOf, sessionIn, shows, showsEndOf } from "./support/stream.ts";

/** A stream that tells a story, and the frame that ends it there. */
interface Telling {
  endpoint: EndpointId;
  call: LooseCall;
  isEnd: (frame: Frame) => boolean;
}

export function resume(fixture: Fixture): void {
  const { api } = fixture;

  test("01-R65 the tail's id is one that the stream shows, whatever else is journaled behind it", async () => {
    await fixture.finish(await fixture.session(), "hi");
    const before = (await api.call("status")).events;
    // The audit signs for what was done, which no stream shows.
    await api.send("GET", "/v1/audit/export");
    const { events } = await api.call("status");
    expect(Number(events.next_event_id)).toBeGreaterThan(Number(before.next_event_id));
    expect(events.newest_event_id).toBe(events.tail_event_id_cursor);
    const cursor = String(BigInt(events.tail_event_id_cursor) - 1n);
    const stream = await fixture.stream("eventsStream", { query: { cursor } });
    expect((await stream.until(({ id }) => id !== undefined)).id).toBe(events.tail_event_id_cursor);
    // Also of a daemon that has not seen it happen.
    await fixture.daemon.restart();
    expect((await api.call("status")).events.tail_event_id_cursor).toBe(events.tail_event_id_cursor);
  });

  test("01-R59 a reader may stop at any event and go on from there, before a restart and after it", async () => {
    const { session_id, run_id, live } = await tellStory(fixture);
    const isEnd = ({ id }: Frame) => id === live.at(-1)?.id;
    const tellings: Telling[] = [
      { endpoint: "sessionStream", call: at(session_id), isEnd },
      { endpoint: "eventsStream", call: {}, isEnd },
      { endpoint: "runStream", call: of(run_id), isEnd: showsEndOf(run_id) },
    ];
    const told = await Promise.all(tellings.map((telling) => resumesAnywhere(fixture, telling)));
    expect(told[0]?.map(essence)).toEqual(live.filter(({ id }) => id !== undefined).map(essence));
    const inSession = told[1]?.filter((frame) => sessionIn(frame) === session_id);
    expect(inSession?.map(essence)).toEqual(told[0]?.map(essence));

    await fixture.daemon.restart();
    const again = await Promise.all(tellings.map((telling) => resumesAnywhere(fixture, telling)));
    expect(again.map((frames) => frames.map(essence))).toEqual(told.map((frames) => frames.map(essence)));
  });

  test("01-R59 a reader that is cut off after every frame, and loses the daemon twice, misses nothing", async () => {
    const session_id = await fixture.session();
    const steps = Array.from({ length: 12 }, () => ({ ...use("noop", {}), delay_ms: 15 }));
    const { run_id } = await fixture.submit(session_id, script(...steps, say("done")));
    const seen: Frame[] = [];
    while (!seen.some(showsEndOf(run_id))) {
      const headers = { "last-event-id": seen.at(-1)?.id ?? "0" };
      const stream = await fixture.stream("runStream", { ...of(run_id), headers });
      seen.push(await stream.until(({ id }) => id !== undefined));
      stream.close();
      if (seen.length === 10 || seen.length === 20) await fixture.daemon.restart();
    }
    expect(idsOf(seen)).toEqual(idsOf(await fixture.historyOf(run_id)));
    expect(await api.call("getRun", of(run_id))).toMatchObject({
      status: "completed",
      usage: { tool_calls: 12 },
    });
  });
}

/** A session in which nearly everything happens that can, as somebody saw it who watched it from its beginning. */
async function tellStory(fixture: Fixture): Promise<{ session_id: string; run_id: string; live: Frame[] }> {
  const { api } = fixture;
  const session_id = await fixture.session();
  const watching = await fixture.stream("sessionStream", { ...at(session_id), query: { cursor: "0" } });
  await api.call("putOperator", { ...at(session_id), body: { operator: { enabled: true } } });
  await api.call("endSession", { ...at(session_id), body: {} });

  const busy = script(bash("echo 1", "echo 2"), use("noop", {}), say("done"));
  const { run_id } = await fixture.submit(session_id, busy);
  const asking = await fixture.submit(session_id, ASKING);
  const dropped = await fixture.submit(session_id, script(say("never")));
  const endless = await fixture.submit(session_id, ENDLESS);
  const gated = await fixture.reaches(run_id, "waiting_for_approval");
  const approver = new Approver(api);
  await approver.decide(gated, [requestOf(gated), ALLOW]);
  await approver.decide(gated, [requestOf(gated, 1), DENY]);
  await fixture.reaches(asking.run_id, "waiting_for_user_question");
  await fixture.cancel(dropped.run_id);
  await fixture.decline(asking.run_id);
  await fixture.reaches(endless.run_id, "running");
  await api.call("interruptSession", at(session_id));
  const broken = script({ error: { status: 400, message: "broken", times: 0 } });
  const failed = await fixture.finish(session_id, broken);

  await watching.until(shows(failed.run_id, "failed"));
  await watching.until(({ event }) => event === "session_state_changed");
  return { session_id, run_id, live: watching.frames };
}

/** Reads a story whole, and again from behind each of its frames on, where exactly the rest has to follow. */
async function resumesAnywhere(fixture: Fixture, { endpoint, call, isEnd }: Telling): Promise<Frame[]> {
  const readFrom = async (id: string) => {
    const stream = await fixture.stream(endpoint, { ...call, headers: { "last-event-id": id } });
    await stream.until(isEnd);
    stream.close();
    return stream.frames;
  };
  const whole = await readFrom("0");
  await Promise.all(
    whole.slice(0, -1).map(async ({ id = "" }, index) => {
      expect((await readFrom(id)).map(essence)).toEqual(whole.slice(index + 1).map(essence));
    }),
  );
  return whole;
}

/**
 * A frame without what is told as of now rather than as of the event:
 * how often a run has asked, what it has used and by what it was last resumed, and all of a session's snapshot.
 */
function essence({ id, event, data }: Frame): unknown {
  if (data.type === "session_snapshot") return { id, event, session_id: data.session_id };
  if (data.type !== "run_updated") return { id, event, data };
  const { kind: _kind, usage: _usage, request, ...run } = data.run;
  return { id, event, run, text: request.text_preview };
}
