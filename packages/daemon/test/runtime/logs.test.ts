import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { LogFile, LogRing, logStream } from "../../src/features/logs/index.ts";
import { createLog } from "../../src/surface/log.ts";
import { Client } from "../http/support/client.ts";
import { ServedDaemon } from "../support/served.ts";

describe("08-R10 the log ring", () => {
  test("keeps the newest 5000 lines that the log's level lets through, oldest first", () => {
    const ring = new LogRing();
    const log = createLog({
      level: "info",
      format: "pretty",
      write: () => {},
      keep: (line) => ring.add(line),
    });
    for (let n = 0; n < 5_003; n++) log.info({ n }, "counted");
    log.debug({}, "not let through");
    const all = ring.newest(10_000);
    expect(all).toHaveLength(5_000);
    expect(all[0]).toMatchObject({ level: "info", target: "kheish", message: "counted", fields: { n: "3" } });
    expect(ring.newest(2).map(({ fields }) => fields?.n)).toEqual(["5001", "5002"]);
  });

  test("names levels, and shows fields as text", () => {
    const ring = new LogRing();
    const log = createLog({
      level: "trace",
      format: "json",
      write: () => {},
      keep: (line) => ring.add(line),
    });
    log.fatal({ target: "engine" }, "a");
    log.warn({ list: [1] }, "b");
    log.trace("c");
    const entries = ring.newest(10);
    expect(entries).toMatchObject([
      { level: "error", target: "engine", message: "a" },
      { level: "warn", message: "b", fields: { list: "[1]" } },
      { level: "trace", message: "c" },
    ]);
    expect(entries[0]).not.toHaveProperty("fields");
    for (const { timestamp_ms } of entries) expect(timestamp_ms).toBeGreaterThan(1_700_000_000_000);
  });
});

describe("the log's file", () => {
  let stateRoot: string;
  beforeEach(async () => {
    stateRoot = await mkdtemp(join(tmpdir(), "kheish-logs-"));
  });
  afterEach(() => rm(stateRoot, { recursive: true, force: true }));

  const line = (msg: string | number) => JSON.stringify({ level: 30, time: "2026-01-01T00:00:00.000Z", msg });
  async function write(...messages: (string | number)[]) {
    const { file, kept } = await LogFile.open(stateRoot);
    const ring = new LogRing();
    ring.add(line("said before the file was open"));
    ring.goOn(kept, (place, text) => file.write(place, text));
    for (const message of messages) ring.add(line(message));
    await file.close();
    return ring;
  }

  test("keeps the newest 5000 over restarts in two files, whatever was written", async () => {
    await write(...Array.from({ length: 7_000 }, (_, n) => n));
    await write(...Array.from({ length: 4_500 }, (_, n) => 10_000 + n));
    const ring = await write("last");
    expect((await readdir(join(stateRoot, "logs"))).toSorted()).toEqual(["daemon.1.log", "daemon.log"]);
    const entries = ring.newest(10_000);
    expect(entries).toHaveLength(5_000);
    expect(entries.at(-1)?.message).toBe("last");
    expect(entries.at(-3)?.message).toBe("14499");
    expect(ring.last).toBe(7_000 + 4_500 + 1 + 3);
  });

  test("a line that a crash cut off is left out, and takes no other with it", async () => {
    await write("whole");
    await appendFile(join(stateRoot, "logs", "daemon.log"), '3 {"level":30,"ti');
    await write("after");
    const messages = (await write()).newest(10).map(({ message }) => message);
    expect(messages).toEqual([
      "said before the file was open",
      "whole",
      "said before the file was open",
      "after",
      "said before the file was open",
    ]);
  });

  test("08-R8 who comes back after more than is kept is told how many lines are gone", async () => {
    const ring = await write(...Array.from({ length: 6_000 }, (_, n) => n));
    const leaving = new AbortController();
    const frames = logStream(ring, {}, { cursor: "10" }, leaving.signal)[Symbol.asyncIterator]();
    const { value } = await frames.next();
    expect(value?.[0]?.data).toEqual({
      type: "stream_gap",
      skipped: 991,
      resume_after_id: "1001",
      reason: "replay_window",
      scope: "logs",
      skipped_is_estimate: false,
    });
    expect((await frames.next()).value?.[0]?.id).toBe("1002");
  });
});

describe("GET /v1/logs", () => {
  let daemon: ServedDaemon;
  const api = new Client(() => daemon.baseUrl);
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  beforeAll(async () => {
    daemon = await ServedDaemon.start({ store: "sqlite", logLevel: "info" });
  });
  afterAll(async () => {
    await daemon.remove();
    written.mockRestore();
  });

  test("answers what the daemon wrote, up to a limit", async () => {
    await api.call("createSession", { body: {} });
    const entries = await api.call("logs");
    expect(entries[0]).toMatchObject({
      level: "info",
      message: "kheish is ready",
      fields: { store: "sqlite" },
    });
    expect(entries.at(-1)).toMatchObject({ fields: { route: "/v1/sessions", status: "201" } });
    expect(await api.call("logs", { query: { limit: "1" } })).toEqual(entries.slice(-1));
  });

  test("is filtered by the daemon: gravity, part of the daemon, text in any case", async () => {
    await api.call("createSession", { body: {} });
    const messages = async (query: Record<string, string>) =>
      (await api.call("logs", { query })).map(({ message }) => message);
    expect(await messages({ text: "KHEISH IS" })).toEqual(["kheish is ready"]);
    expect(await messages({ text: "simulator", level: "info" })).not.toEqual([]);
    expect(await messages({ level: "error" })).toEqual([]);
    expect(await messages({ target: "nobody" })).toEqual([]);
    expect(await messages({ target: "kheish", limit: "1" })).toHaveLength(1);
    const refused = await api.refusal("logs", { query: { level: "loud" } });
    expect(refused).toMatchObject({ status: 400, domain: "api", code: "request_query_invalid" });
  });

  test("survives a restart, and goes on where it was", async () => {
    await api.call("createSession", { body: { session_id: "before" } });
    const before = await api.call("logs");
    await daemon.stop();
    await daemon.start();
    const after = await api.call("logs");
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.slice(before.length).map(({ message }) => message)).toEqual(
      expect.arrayContaining(["draining", "kheish is ready"]),
    );
  });

  test("08-R8 is streamed: from the start, from now, from behind a line, across a restart without gap or duplicate", async () => {
    const all = await lines("?cursor=0", 3);
    expect(all.map(({ id }) => Number(id))).toEqual([1, 2, 3]);
    expect(all[0]).toMatchObject({
      event: "log",
      data: { type: "log", log: { message: "kheish is ready" } },
    });
    expect(await lines("?cursor=1", 2, { "last-event-id": "2" })).toMatchObject([{ id: "3" }, { id: "4" }]);

    const live = lines("?text=live-one", 1);
    await expect.poll(async () => (await api.call("logs", { query: { limit: "1" } }))[0]).toBeDefined();
    await api.call("createSession", { body: { session_id: "live-one" } });
    const [line] = await live;
    expect(line?.data.log.fields).toMatchObject({ session_id: "live-one" });

    await daemon.stop();
    await daemon.start();
    const [next] = await lines(`?cursor=${line?.id}`, 1);
    expect(Number(next?.id)).toBe(Number(line?.id) + 1);
  });

  test("08-R8 refuses a cursor that is no number", async () => {
    const refused = await api.refusal("logStream", { query: { cursor: "x" } });
    expect(refused).toMatchObject({ status: 400, domain: "events", code: "invalid_event_cursor" });
  });

  interface Line {
    id?: string;
    event: string;
    data: { type: string; log: { message: string; fields?: Record<string, string> } };
  }

  /** The first lines of a stream. */
  async function lines(query: string, count: number, headers: Record<string, string> = {}): Promise<Line[]> {
    const leaving = new AbortController();
    const answer = await fetch(`${daemon.baseUrl}/v1/logs/stream${query}`, {
      headers,
      signal: leaving.signal,
    });
    const found: Line[] = [];
    let text = "";
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const frames = text.split("\n\n");
      text = frames.pop() ?? "";
      for (const frame of frames) {
        const part = (name: string) => new RegExp(`^${name}: ?(.*)$`, "m").exec(frame)?.[1];
        if (part("event") === "log")
          found.push({ id: part("id") ?? "", event: "log", data: JSON.parse(part("data") ?? "{}") });
      }
      if (found.length >= count) break;
    }
    leaving.abort();
    return found.slice(0, count);
  }

  test.each(["0", "-1", "many", "1.5"])("refuses the limit %s", async (limit) => {
    const refused = await api.refusal("logs", { query: { limit } });
    expect(refused).toMatchObject({ status: 400, domain: "pagination", code: "invalid_limit" });
  });
});
