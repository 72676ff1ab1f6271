import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { LogRing } from "../../src/features/logs/index.ts";
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

  test.each(["0", "-1", "many", "1.5"])("refuses the limit %s", async (limit) => {
    const refused = await api.refusal("logs", { query: { limit } });
    expect(refused).toMatchObject({ status: 400, domain: "pagination", code: "invalid_limit" });
  });
});
