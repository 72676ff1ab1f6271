import { describe, expect, test } from "vitest";
import {
  type Answer,
  events,
  fakeDaemon,
  frame,
  inTurn,
  json,
  plain,
  problem,
} from "../../daemon/src/surface/cli/testing/fake-daemon.ts";
import {
  type EventStream,
  Kheish,
  KheishConnectionError,
  type KheishOptions,
  KheishProblem,
  KheishProtocolError,
} from "../src/index.ts";
import { deserted } from "./support/deserted.ts";
import { TestMachine } from "./support/machine.ts";

const RUN_STREAM = "GET /v1/runs/run-1/stream";
const SESSION_STREAM = "GET /v1/sessions/s/stream";
const GLOBAL_STREAM = "GET /v1/events/stream";

async function clientOf(routes: Record<string, Answer>, options: KheishOptions = {}) {
  const daemon = await fakeDaemon(routes);
  const machine = new TestMachine();
  return { daemon, machine, kheish: new Kheish({ baseUrl: daemon.baseUrl, ...options }, machine) };
}

const trace = (id: number) => frame("trace", { trace: { kind: "x", seq: id } }, id);
const runIs = (status: string, id: number) => frame("run_updated", { run: { run_id: "run-1", status } }, id);
const heartbeat = frame("heartbeat", {});
const thenClosed = (...frames: string[]) => events(frames, { close: true });

async function summary(stream: EventStream, most = Number.POSITIVE_INFINITY): Promise<string[]> {
  const seen: string[] = [];
  for await (const { id, data } of stream) {
    seen.push(`${id ?? "-"} ${data.type}`);
    if (seen.length >= most) break;
  }
  return seen;
}

function asked(daemon: { requests: { url: string; headers: Record<string, unknown> }[] }): string[] {
  return daemon.requests.map(({ url, headers }) => `${url} ${headers["last-event-id"] ?? "-"}`);
}

describe("a stream", () => {
  test("is everything of a run and ends with it; heartbeats are not events", async () => {
    const { kheish, daemon } = await clientOf({
      [RUN_STREAM]: events([
        heartbeat,
        trace(1),
        frame("output_delta", { text: "a" }),
        runIs("completed", 3),
      ]),
    });
    expect(await summary(kheish.runs.stream("run-1"))).toEqual([
      "1 trace",
      "- output_delta",
      "3 run_updated",
    ]);
    expect(asked(daemon)).toEqual(["/v1/runs/run-1/stream?cursor=0&until=terminal -"]);
  });

  test("goes on behind the last event after the connection broke or the daemon closed it", async () => {
    const cut: Answer = (request, response) => {
      events([trace(3)])(request, response);
      setImmediate(() => response.destroy());
    };
    const { kheish, daemon } = await clientOf({
      [RUN_STREAM]: inTurn(
        thenClosed(trace(1), trace(2)),
        plain("", 503),
        cut,
        events([trace(4), runIs("failed", 9)]),
      ),
    });
    expect(await summary(kheish.runs.stream("run-1"))).toEqual([
      "1 trace",
      "2 trace",
      "3 trace",
      "4 trace",
      "9 run_updated",
    ]);
    const resumed = "/v1/runs/run-1/stream?until=terminal";
    expect(asked(daemon)).toEqual([
      "/v1/runs/run-1/stream?cursor=0&until=terminal -",
      `${resumed} 2`,
      `${resumed} 2`,
      `${resumed} 3`,
    ]);
  });

  test("tells its place, for another process to go on from, and only of what was handed out", async () => {
    const { kheish, daemon } = await clientOf({
      [GLOBAL_STREAM]: events([trace(1), trace(2)]),
    });
    const stream = kheish.events.stream({ cursor: "start" });
    expect(stream.cursor).toBeUndefined();
    await stream.next();
    expect(stream.cursor).toBe("1");
    stream.close();
    await summary(kheish.events.stream({ cursor: "1", session_id: "s" }), 1);
    expect(asked(daemon)).toEqual([
      "/v1/events/stream?cursor=0 -",
      "/v1/events/stream?cursor=1&session_id=s -",
    ]);
  });

  test("of a session that begins now loses nothing when the connection breaks before its first event", async () => {
    const snapshot = frame("session_snapshot", { session_id: "s", snapshot: {} }, 40);
    const { kheish, daemon } = await clientOf({
      [SESSION_STREAM]: inTurn(thenClosed(snapshot), events([trace(41)])),
    });
    expect(await summary(kheish.sessions.stream("s"), 1)).toEqual(["41 trace"]);
    expect(asked(daemon)).toEqual(["/v1/sessions/s/stream?snapshot=true -", "/v1/sessions/s/stream 40"]);
  });

  test("of a session shows the snapshot to whoever asks for it, once", async () => {
    const snapshot = frame("session_snapshot", { session_id: "s", snapshot: {} }, 40);
    const { kheish, daemon } = await clientOf({
      [SESSION_STREAM]: inTurn(thenClosed(snapshot), events([trace(41)])),
    });
    const seen = await summary(kheish.sessions.stream("s", { snapshot: true }), 2);
    expect(seen).toEqual(["40 session_snapshot", "41 trace"]);
    expect(asked(daemon)).toEqual(["/v1/sessions/s/stream?snapshot=true -", "/v1/sessions/s/stream 40"]);
  });

  test("01-R65 of the daemon that begins now begins where the journal ends, by the daemon's status", async () => {
    const { kheish, daemon } = await clientOf({
      "GET /v1/status": json({ events: { tail_event_id_cursor: "70" } }),
      [GLOBAL_STREAM]: inTurn(thenClosed(heartbeat), events([trace(71)])),
    });
    expect(await summary(kheish.events.stream(), 1)).toEqual(["71 trace"]);
    expect(asked(daemon)).toEqual(["/v1/status -", "/v1/events/stream 70", "/v1/events/stream 70"]);
  });

  test("of a session, through the daemon's stream, is open to whoever may not see the daemon's status", async () => {
    const { kheish, daemon } = await clientOf({
      "GET /v1/status": problem(403, "insufficient_access", "not yours", { domain: "auth" }),
      [GLOBAL_STREAM]: events([trace(71)]),
    });
    expect(await summary(kheish.events.stream({ session_id: "s" }), 1)).toEqual(["71 trace"]);
    expect(asked(daemon)).toEqual(["/v1/status -", "/v1/events/stream?session_id=s -"]);
  });

  test("that resumes behind the end of its run ends, too, and asks twice: a draining daemon closes like that", async () => {
    const { kheish, daemon } = await clientOf({
      [RUN_STREAM]: thenClosed(),
      "GET /v1/runs/run-1": json({ run_id: "run-1", status: "completed" }),
    });
    expect(await summary(kheish.runs.stream("run-1", { cursor: "9" }))).toEqual([]);
    expect(daemon.requests.map(({ url }) => url.split("?")[0])).toEqual([
      "/v1/runs/run-1/stream",
      "/v1/runs/run-1",
      "/v1/runs/run-1/stream",
    ]);
  });

  test("is cut when it falls silent, and goes on; a consumer that takes its time is no silence", async () => {
    const { kheish, machine, daemon } = await clientOf({
      [RUN_STREAM]: inTurn(events([trace(1)]), events([runIs("completed", 2)])),
    });
    const stream = kheish.runs.stream("run-1");
    await stream.next();
    expect(machine.limits, "nobody waits for anything").toEqual([]);
    const rest = summary(stream);
    await machine.runOut(35_000);
    expect(await rest).toEqual(["2 run_updated"]);
    expect(asked(daemon)[1]).toContain(" 1");
  });

  test("of a wrong address or a refusal is an error at once, not a thing to wait for", async () => {
    const { kheish } = await clientOf({
      [RUN_STREAM]: problem(404, "run_not_found", "no such run", { domain: "runs" }),
    });
    await expect(kheish.runs.stream("run-1").next()).rejects.toThrow(KheishProblem);
    const page = await clientOf({ [RUN_STREAM]: plain("<html>") });
    await expect(page.kheish.runs.stream("run-1").next()).rejects.toThrow(KheishProtocolError);
    const nowhere = new Kheish({ baseUrl: await deserted(), maxRetries: 2 }, new TestMachine());
    await expect(nowhere.runs.stream("run-1").next()).rejects.toThrow(KheishConnectionError);
  });

  test("gives up on a daemon that stays away longer than reconnectWithinMs", async () => {
    const lost: string[] = [];
    const { kheish, machine } = await clientOf(
      { [RUN_STREAM]: inTurn(thenClosed(trace(1)), plain("", 502)) },
      { reconnectWithinMs: 20_000 },
    );
    const stream = kheish.runs.stream("run-1", { onConnection: (state) => lost.push(state) });
    await stream.next();
    await expect(stream.next()).rejects.toMatchObject({ status: 502 });
    const away = machine.pauses.reduce((sum, pause) => sum + pause, 0);
    expect(away).toBeGreaterThanOrEqual(20_000);
    expect(away).toBeLessThan(30_000);
    expect(lost.slice(0, 3)).toEqual(["open", "lost", "lost"]);
  });

  test("does not go on in another journal as if it were the same", async () => {
    const { kheish } = await clientOf({ [RUN_STREAM]: inTurn(thenClosed(trace(50)), events([trace(7)])) });
    await expect(summary(kheish.runs.stream("run-1"))).rejects.toThrow("was it restored?");
  });

  test("that is broken off by its signal throws the reason, also while it waits", async () => {
    const leaving = new AbortController();
    const { kheish, daemon } = await clientOf({ [RUN_STREAM]: events([trace(1)]) });
    const stream = kheish.runs.stream("run-1", { signal: leaving.signal });
    await stream.next();
    const next = stream.next();
    leaving.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
    expect((await stream.next()).done).toBe(true);
    const never = kheish.runs.stream("run-1", { signal: leaving.signal });
    await expect(never.next()).rejects.toThrow("enough");
    expect(daemon.requests).toHaveLength(1);
  });

  test("that is closed ends for whoever waits for its next event, and lets go of the connection", async () => {
    let gone: () => void = () => undefined;
    const left = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const watched: Answer = (request, response) => {
      response.on("close", gone);
      return events([trace(1)])(request, response);
    };
    const { kheish } = await clientOf({ [RUN_STREAM]: watched });
    const stream = kheish.runs.stream("run-1");
    await stream.next();
    const next = stream.next();
    stream.close();
    expect(await next).toEqual({ done: true, value: undefined });
    await left;
  });
});

describe("frames", () => {
  test("arrive whole, however they are split on their way", async () => {
    const text = Buffer.from(
      `${trace(1)}${frame("output_delta", { text: "häß\u2028🙂" })}${runIs("completed", 2)}`,
    );
    const split: Answer = async (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      for (let at = 0; at < text.length; at += 3) {
        response.write(text.subarray(at, at + 3));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const { kheish } = await clientOf({ [RUN_STREAM]: split });
    const seen = await Array.fromAsync(kheish.runs.stream("run-1"));
    expect(seen.map(({ id }) => id)).toEqual(["1", undefined, "2"]);
    expect(seen[1]?.data).toMatchObject({ text: "häß\u2028🙂" });
  });

  test("end their lines as they like and may hold comments", async () => {
    const text = ': hello\r\n\r\nid:5\revent: trace\rdata: {"type":"trace",\rdata:"trace":{}}\r\r';
    const odd: Answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`${text}${runIs("completed", 6)}`);
    };
    const { kheish } = await clientOf({ [RUN_STREAM]: odd });
    expect(await summary(kheish.runs.stream("run-1"))).toEqual(["5 trace", "6 run_updated"]);
  });

  test("01-R54 have ids beyond what a JavaScript number can tell apart", async () => {
    const at = (id: string) => `id: ${id}\ndata: {"type":"trace","trace":{"kind":"x"}}\n\n`;
    const ids = ["9007199254740992", "9007199254740993", "18446744073709551615"];
    const { kheish, daemon } = await clientOf({
      [RUN_STREAM]: inTurn(thenClosed(at(ids[0] ?? "")), events(ids.slice(1).map(at))),
    });
    expect(await summary(kheish.runs.stream("run-1"), 3)).toEqual(ids.map((id) => `${id} trace`));
    expect(asked(daemon)[1]).toContain(` ${ids[0]}`);
  });

  test("that never end are refused before they fill the memory", async () => {
    const endless: Answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: ${"x".repeat(9 * 1024 * 1024)}`);
    };
    const { kheish } = await clientOf({ [RUN_STREAM]: endless });
    await expect(kheish.runs.stream("run-1").next()).rejects.toThrow(KheishProtocolError);
  });
});
