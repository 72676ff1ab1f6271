import { describe, expect, it } from "vitest";
import { type Answer, events, fakeDaemon, frame, inTurn, problem } from "../testing/fake-daemon.ts";
import { fastClock } from "../testing/run-cli.ts";
import { runView } from "../testing/samples.ts";
import { DaemonClient } from "./client.ts";
import type { FollowOptions, StreamItem } from "./follow.ts";

const PATH = "GET /v1/runs/run-1/stream";

async function follow(answer: Answer, options: FollowOptions = {}) {
  const daemon = await fakeDaemon({ [PATH]: answer });
  const clock = fastClock();
  const client = new DaemonClient({ baseUrl: daemon.baseUrl, clock });
  const input = { params: { run_id: "run-1" }, query: { snapshot: "true" } };
  return { daemon, clock, items: client.stream("runStream", input, options) };
}

/** What happened, in short. */
function summary(item: StreamItem): string {
  return item.kind === "frame" ? `${item.frame.id ?? "-"} ${item.frame.event}` : item.kind;
}

const isLast: FollowOptions["isLast"] = ({ event }) => event === "run_updated";
const heartbeat = frame("heartbeat", {});
const last = frame("run_updated", { run: runView({ status: "completed" }) }, 3);

describe("following a stream", () => {
  it("ends after the last frame", async () => {
    const { items } = await follow(events([heartbeat, last]), { isLast });
    expect((await Array.fromAsync(items)).map(summary)).toEqual(["- heartbeat", "3 run_updated"]);
  });

  it("resumes after the last event id, and asks for no second snapshot", async () => {
    const { items, daemon } = await follow(
      inTurn(
        events([frame("trace", {}, 1), frame("trace", {}, 2), heartbeat], { close: true }),
        events([last]),
      ),
      { isLast },
    );
    expect((await Array.fromAsync(items)).map(summary)).toEqual([
      "1 trace",
      "2 trace",
      "- heartbeat",
      "lost",
      "reconnected",
      "3 run_updated",
    ]);
    const [first, second] = daemon.requests;
    expect(first?.url).toBe("/v1/runs/run-1/stream?snapshot=true");
    expect(first?.headers["last-event-id"]).toBeUndefined();
    expect(second?.url).toBe("/v1/runs/run-1/stream");
    expect(second?.headers["last-event-id"]).toBe("2");
  });

  it("waits longer and longer for a daemon that is away, and says once that it is lost", async () => {
    const away = problem(503, "daemon_draining", "draining");
    const { items, clock } = await follow(
      inTurn(events([heartbeat], { close: true }), away, away, away, events([last])),
      { isLast },
    );
    expect((await Array.fromAsync(items)).map(summary)).toEqual([
      "- heartbeat",
      "lost",
      "reconnected",
      "3 run_updated",
    ]);
    expect(clock.slept).toEqual([250, 500, 1_000, 2_000]);
  });

  it("does not hammer a daemon that accepts and closes", async () => {
    const flapping = events([], { close: true });
    const { items, clock } = await follow(
      inTurn(events([heartbeat], { close: true }), flapping, flapping, events([last])),
      { isLast },
    );
    await Array.fromAsync(items);
    expect(clock.slept).toEqual([250, 500, 1_000]);
  });

  it("gives up after the grace", async () => {
    const away = problem(503, "daemon_draining", "draining");
    const { items } = await follow(inTurn(events([heartbeat], { close: true }), away), {
      timing: { graceMs: 5_000 },
    });
    await expect(Array.fromAsync(items)).rejects.toMatchObject({ exitCode: 7 });
  });

  it("ends at once with a refusal, first or later", async () => {
    const refused = problem(404, "run_not_found", "no such run");
    const first = await follow(refused);
    await expect(Array.fromAsync(first.items)).rejects.toMatchObject({ exitCode: 5 });
    expect(first.daemon.requests).toHaveLength(1);
    const later = await follow(inTurn(events([heartbeat], { close: true }), refused));
    await expect(Array.fromAsync(later.items)).rejects.toMatchObject({ exitCode: 5 });
  });

  it("does not wait for a daemon that was never there", async () => {
    const { items, clock } = await follow(problem(503, "daemon_draining", "draining"));
    await expect(Array.fromAsync(items)).rejects.toMatchObject({ exitCode: 7 });
    expect(clock.slept).toEqual([]);
  });

  it("takes silence from the start for a buffering proxy", async () => {
    const { items, clock } = await follow(events([]), { timing: { firstFrameMs: 30 } });
    await expect(Array.fromAsync(items)).rejects.toMatchObject({ exitCode: 7 });
    expect(clock.slept).toEqual([]);
  });

  it("takes silence later for a dead connection", async () => {
    const { items } = await follow(inTurn(events([heartbeat]), events([last])), {
      isLast,
      timing: { idleMs: 30 },
    });
    const seen = (await Array.fromAsync(items)).map(summary);
    expect(seen).toEqual(["- heartbeat", "lost", "reconnected", "3 run_updated"]);
  });

  it("ends quietly when its caller wants no more", async () => {
    const stop = new AbortController();
    const { items } = await follow(events([heartbeat]), { signal: stop.signal });
    expect(summary((await items.next()).value ?? { kind: "reconnected" })).toBe("- heartbeat");
    const rest = items.next();
    stop.abort();
    expect((await rest).done).toBe(true);
  });

  it("refuses events that are not JSON or too large", async () => {
    const notJson = await follow(events(["data: {\n\n"]));
    await expect(Array.fromAsync(notJson.items)).rejects.toMatchObject({ exitCode: 8 });
    const tooLarge = await follow(events([`data: "${"x".repeat(1_048_577)}"\n\n`]));
    await expect(Array.fromAsync(tooLarge.items)).rejects.toMatchObject({ exitCode: 8 });
  });
});
