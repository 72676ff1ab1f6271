import type { EndpointId } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { LooseCall } from "./support/client.ts";
import { type Fixture, type OpenStore, useDaemon } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { ASKING, bash, ENDLESS, say, script, use } from "./support/script.ts";
import { type Frame, runIn, shows, showsEndOf } from "./support/stream.ts";

/** What the newest events are kept in: enough for all of them, and too little for any reader that fell behind. */
const HISTORIES = [2048, 4];

interface Story {
  session_id: string;
  run_id: string;
  /** What somebody saw who watched the session from its beginning. */
  live: Frame[];
}

export function resume(openStore: OpenStore): void {
  describe.each(HISTORIES)("with %i events in memory", (eventHistoryCapacity) => {
    const fixture = useDaemon(openStore, { eventHistoryCapacity });
    const { api } = fixture;

    test("01-R59 a reader may stop at any event and go on from there, before a restart and after it", async () => {
      const story = await tellStory(fixture);
      const { session_id, run_id } = story;
      const streams: [EndpointId, LooseCall][] = [
        ["sessionStream", at(session_id)],
        ["runStream", of(run_id)],
        ["eventsStream", { query: { session_id } }],
        ["eventsStream", {}],
      ];
      const told: Frame[][] = [];
      for (const [endpoint, call] of streams) {
        const whole = await readFrom(fixture, endpoint, call, "0", story);
        await resumesAnywhere(fixture, endpoint, call, whole, story);
        told.push(whole);
      }
      expect(told[0]?.map(essence)).toEqual(withIds(story.live).map(essence));
      expect(told[2]).toEqual(told[0]);

      await fixture.daemon.restart();
      for (const [index, [endpoint, call]] of streams.entries()) {
        const whole = await readFrom(fixture, endpoint, call, "0", story);
        expect(whole.map(essence)).toEqual(told[index]?.map(essence));
        await resumesAnywhere(fixture, endpoint, call, whole, story);
      }
    });

    test("01-R59 a reader that loses its connection after every frame, and twice the daemon too, misses nothing", async () => {
      const session_id = await fixture.session();
      const steps = Array.from({ length: 12 }, () => ({ ...use("noop", {}), delay_ms: 15 }));
      const { run_id } = await fixture.submit(session_id, script(...steps, say("done")));
      const seen: Frame[] = [];
      for (let over = false; !over; over = seen.some(showsEndOf(run_id))) {
        const headers = { "last-event-id": seen.at(-1)?.id ?? "0" };
        const stream = await fixture.stream("runStream", { ...of(run_id), headers });
        seen.push(await stream.until(({ id }) => id !== undefined));
        stream.close();
        if (seen.length === 10 || seen.length === 20) await fixture.daemon.restart();
      }
      const query = { cursor: "0", until: "terminal" };
      const stream = await fixture.stream("runStream", { ...of(run_id), query });
      expect(seen.map(({ id }) => id)).toEqual(withIds(await stream.rest()).map(({ id }) => id));
      expect(runIn(seen.at(-1) ?? { event: "", data: { type: "heartbeat" } })?.status).toBe("completed");
      expect((await api.call("getRun", of(run_id))).usage?.tool_calls).toBe(12);
    });
  });
}

/** A session in which nearly everything happens that can. */
async function tellStory(fixture: Fixture): Promise<Story> {
  const { api } = fixture;
  const session_id = await fixture.session();
  const at = at(session_id);
  const watching = await fixture.stream("sessionStream", { ...at, query: { cursor: "0" } });
  await api.call("putOperator", { ...at, body: { operator: { enabled: true } } });
  await api.call("endSession", { ...at, body: {} });

  const { run_id } = await fixture.submit(
    session_id,
    script(bash("echo 1", "echo 2"), use("noop", {}), say("done")),
  );
  const asking = await fixture.submit(session_id, ASKING);
  const dropped = await fixture.submit(session_id, script(say("never")));
  const endless = await fixture.submit(session_id, ENDLESS);
  const { pending_approval_ids = [] } = await fixture.reaches(run_id, "waiting_for_approval");
  for (const [index, request_id] of pending_approval_ids.entries()) {
    const behavior = index === 0 ? ("allow" as const) : ("deny" as const);
    await api.call("resolveRunApprovals", {
      params: { run_id },
      body: { resolutions: [{ request_id, behavior }] },
    });
  }
  await fixture.reaches(asking.run_id, "waiting_for_user_question");
  await fixture.cancel(dropped.run_id);
  await fixture.decline(asking.run_id);
  await fixture.reaches(endless.run_id, "running");
  await api.call("interruptSession", at);
  await fixture.settles(endless.run_id);
  const last = await fixture.submit(
    session_id,
    script({ error: { status: 400, message: "broken", times: 0 } }),
  );
  await fixture.settles(last.run_id);
  await watching.until(shows(last.run_id, "failed"));
  await watching.until(({ event }) => event === "session_state_changed");
  return { session_id, run_id, live: watching.frames };
}

/** What a stream replays after a cursor, up to the newest event of the story that it shows. */
async function readFrom(
  fixture: Fixture,
  endpoint: EndpointId,
  call: LooseCall,
  cursor: string,
  story: Story,
): Promise<Frame[]> {
  const stream = await fixture.stream(endpoint, { ...call, headers: { "last-event-id": cursor } });
  const end = story.live.at(-1)?.id;
  await stream.until(endpoint === "runStream" ? showsEndOf(story.run_id) : ({ id }) => id === end);
  stream.close();
  return stream.frames;
}

/** From every event on exactly the rest follows. */
async function resumesAnywhere(
  fixture: Fixture,
  endpoint: EndpointId,
  call: LooseCall,
  whole: readonly Frame[],
  story: Story,
): Promise<void> {
  for (const [index, { id = "" }] of whole.slice(0, -1).entries()) {
    expect(await readFrom(fixture, endpoint, call, id, story)).toEqual(whole.slice(index + 1));
  }
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

function withIds(frames: readonly Frame[]): Frame[] {
  return frames.filter(({ id }) => id !== undefined);
}
