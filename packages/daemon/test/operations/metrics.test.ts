import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { follow } from "../support/follow.ts";
import { later, post, submit } from "../support/operator.ts";
import { startPostgres } from "../support/postgres.ts";
import { ServedDaemon, type ServedOptions } from "../support/served.ts";

const ADMIN = "the-admin-token-of-this-test";
const READER = "the-read-only-token-of-this-test";

const started: ServedDaemon[] = [];
afterEach(async () => {
  for (const each of started.splice(0)) await each.remove();
});

async function serve(options: Partial<ServedOptions> = {}): Promise<ServedDaemon> {
  const daemon = await ServedDaemon.start({ store: "sqlite", ...options });
  started.push(daemon);
  return daemon;
}

async function scrape(daemon: ServedDaemon): Promise<Map<string, number>> {
  const answer = await fetch(`${daemon.baseUrl}/metrics`);
  expect(answer.headers.get("content-type")).toContain("text/plain");
  const lines = (await answer.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

async function ended(daemon: ServedDaemon, run: string): Promise<void> {
  await follow(`${daemon.baseUrl}/v1/runs/${run}/stream?until=terminal`).last;
}

describe("/metrics", () => {
  test("02-A4 needs the read-only token when auth is on", async () => {
    const daemon = await serve({ httpAuthMode: "auto", adminToken: ADMIN, readonlyToken: READER });
    const path = `${daemon.baseUrl}/metrics`;
    expect((await fetch(path)).status).toBe(401);
    expect((await fetch(path, { headers: { authorization: `Bearer ${READER}` } })).status).toBe(200);
  });

  test("counts what runs do: model calls, tokens, tool calls by class and outcome, steps, commits, requests", async () => {
    const daemon = await serve({ permissionMode: "bypassPermissions" });
    const before = await scrape(daemon);
    expect(before.get('kheish_runs{status="completed"}')).toBe(0);
    const run = await submit(daemon, "s", [
      { tool_calls: [{ name: "read_file", input: { path: "nowhere" } }] },
      { tool_calls: [{ name: "bash", input: { command: "true" } }] },
      { text: "done" },
    ]);
    await ended(daemon, run);
    const after = await scrape(daemon);
    expect(Object.fromEntries(after)).toMatchObject({
      'kheish_runs{status="completed"}': 1,
      kheish_sessions: 1,
      'kheish_model_calls_total{route="simulator",provider="simulator",outcome="ok"}': 3,
      'kheish_model_call_duration_seconds_count{route="simulator"}': 3,
      'kheish_tool_calls_total{effect="read",outcome="error"}': 1,
      'kheish_tool_calls_total{effect="once",outcome="ok"}': 1,
      'kheish_http_requests_total{method="POST",route="/v1/sessions/{session_id}/runs",status="202"}': 1,
      kheish_ready: 1,
      kheish_health_ok: 1,
      'kheish_route_state{route="simulator",active="true",state="ok"}': 1,
      'kheish_dead_letters{queue="session"}': 0,
      'kheish_work_lag_seconds{queue="session"}': 0,
    });
    const value = (name: string) => after.get(name) ?? 0;
    expect(value('kheish_model_tokens_total{route="simulator",direction="output"}')).toBeGreaterThan(0);
    expect(value("kheish_steps_total")).toBeGreaterThanOrEqual(5);
    const commits = value('kheish_commits_total{outcome="committed"}');
    expect(commits).toBeGreaterThan(value("kheish_steps_total"));
    expect(value("kheish_flush_commits_sum")).toBeGreaterThanOrEqual(commits);
    expect(value("kheish_flush_commits_count")).toBeLessThanOrEqual(value("kheish_flush_commits_sum"));
    expect(value("kheish_fsync_duration_seconds_count")).toBeGreaterThan(0);
    expect(value("kheish_store_size_bytes")).toBeGreaterThan(0);
    expect(value("kheish_state_root_disk_used_ratio")).toBeGreaterThan(0);
    expect(value("nodejs_eventloop_lag_p99_seconds")).toBeGreaterThanOrEqual(0);
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(0);
  });

  test("shows what waits for a human and for how long, and what waits behind it", async () => {
    const daemon = await serve();
    const turns = [{ tool_calls: [{ name: "bash", input: { command: "true" } }] }, { text: "done" }];
    const run = await submit(daemon, "s", turns);
    const stream = follow(`${daemon.baseUrl}/v1/events/stream?cursor=0`);
    await submit(daemon, "s", turns);
    while (!(await scrape(daemon)).get('kheish_runs{status="waiting_for_approval"}'))
      await new Promise((resolve) => setImmediate(resolve));
    const found = await scrape(daemon);
    expect(found.get('kheish_requests_pending{kind="approval"}')).toBe(1);
    expect(found.get('kheish_requests_oldest_age_seconds{kind="approval"}')).toBeGreaterThan(0);
    expect(found.get('kheish_requests_oldest_age_seconds{kind="question"}')).toBe(0);
    expect(found.get("kheish_session_queue_depth_max")).toBe(1);
    expect(found.get("kheish_queued_run_oldest_age_seconds")).toBeGreaterThan(0);
    expect(found.get("kheish_event_stream_subscribers")).toBe(1);
    await post(daemon, `/v1/runs/${run}/cancel`, {});
    expect(stream.frames.length).toBeGreaterThan(0);
  });

  test("looks below the commits of PostgreSQL too", async () => {
    const server = await startPostgres();
    later(() => server.stop());
    const daemon = await serve({ store: await server.createDatabase() });
    await scrape(daemon);
    await ended(daemon, await submit(daemon, "s", [{ text: "done" }]));
    const found = await scrape(daemon);
    expect([...found.keys()].find((name) => name.startsWith("kheish_build_info"))).toContain(
      'engine="postgres"',
    );
    const commits = found.get('kheish_commits_total{outcome="committed"}') ?? 0;
    expect(commits).toBeGreaterThan(0);
    expect(found.get("kheish_flush_commits_sum")).toBeGreaterThanOrEqual(commits);
    expect(found.get("kheish_flush_duration_seconds_count")).toBeGreaterThan(0);
    await daemon.stop();
  });

  test("no label takes a value from outside: not a path, not a session, not a model, not a method", async () => {
    const daemon = await serve();
    const before = [...(await scrape(daemon)).keys()];
    for (let n = 0; n < 20; n++) {
      await fetch(`${daemon.baseUrl}/v1/sessions/nobody-${n}`);
      await fetch(`${daemon.baseUrl}/nowhere/${n}`, { method: n % 2 === 0 ? "PURGE" : "GET" });
      await post(daemon, "/v1/sessions", { session_id: `s${n}` });
      const content = JSON.stringify({ simulate: [{ text: "x" }] });
      await post(daemon, `/v1/sessions/s${n}/runs`, { content, model: `simulator/m${n}` });
    }
    const names = [...(await scrape(daemon)).keys()];
    expect(names.filter((name) => /nobody|nowhere|PURGE|m1\d|s1\d/.test(name))).toEqual([]);
    const added = names.filter((name) => !before.includes(name) && !name.includes("_bucket"));
    expect(added.length, added.join("\n")).toBeLessThan(40);
  });

  test("the library is not loaded before somebody scrapes", async () => {
    const main = new URL("../../src/main.ts", import.meta.url).href;
    const loaded = async (module: string) => {
      const count = `Object.keys(require.cache).filter((path) => path.includes("prom-client")).length`;
      const script = `import(${JSON.stringify(module)}).then(() => console.log(${count}))`;
      const flags = ["--input-type=commonjs", "-e", script];
      return Number((await promisify(execFile)(process.execPath, flags)).stdout);
    };
    expect(await loaded(main)).toBe(0);
    expect(await loaded(import.meta.resolve("prom-client")), "or this test sees nothing").toBeGreaterThan(0);
  });
});
