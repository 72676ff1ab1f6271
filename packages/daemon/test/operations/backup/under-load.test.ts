import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isTerminal, type RunView, type SessionEventLog } from "@kheish/contract";
import { describe, expect, test, vi } from "vitest";
import { follow } from "../../support/follow.ts";
import {
  cli,
  cliProcess,
  daemonOn,
  get,
  journalOf,
  later,
  place,
  scratch,
  stopsAt,
  submit,
} from "../../support/operator.ts";
import { startPostgres } from "../../support/postgres.ts";

const SESSIONS = 6;
const STEPS = 6;
/** Above what the journal keeps inline, so that there are blobs. */
const LARGE = 300_000;

function script(session: number): object[] {
  const steps = Array.from({ length: STEPS }, (_, step) => ({
    text: `step ${step}`,
    delay_ms: 15,
    tool_calls: [{ name: "bash", input: { command: `sleep 0.02; echo ${step} >> ledger-${session}` } }],
  }));
  // However slow the backup is, it meets work.
  const lasting = {
    tool_calls: [{ name: "bash", input: { command: "until [ -e released ]; do sleep 0.02; done" } }],
  };
  return [...steps, lasting, { text: "all done" }];
}

/** A run with an output for the blobs and a text for the journal. */
const LARGE_RUN = [
  { tool_calls: [{ name: "bash", input: { command: `head -c ${LARGE} /dev/zero | tr '\\0' x` } }] },
  { text: "x".repeat(LARGE) },
];

async function completed(
  daemon: { baseUrl: string },
  session: string,
  turns: readonly object[],
): Promise<void> {
  const run = await submit(daemon, session, turns);
  await follow(`${daemon.baseUrl}/v1/runs/${run}/stream?until=terminal`).last;
}

interface Listed {
  items: RunView[];
}
type Journal = SessionEventLog["session"]["journal"];

const journalIn = (log: SessionEventLog): Journal => log.session.journal;

async function stores(kind: string): Promise<{ original: string; copy: string }> {
  if (kind === "SQLite") return { original: "sqlite", copy: "sqlite" };
  const server = await startPostgres();
  later(() => server.stop());
  return { original: await server.createDatabase(), copy: await server.createDatabase() };
}

describe.each(["SQLite", "PostgreSQL"])("a daemon on %s that is backed up while it works", (kind) => {
  test("loses nothing of what the backup holds: killed, restored elsewhere, every run of it ends", async () => {
    const directory = await scratch();
    const { original, copy } = await stores(kind);
    const at = await place(directory);
    const daemon = await daemonOn(at, "--store", original);
    await completed(daemon, "large", LARGE_RUN);
    const stream = follow(`${daemon.baseUrl}/v1/events/stream?cursor=0`);
    for (let session = 0; session < SESSIONS; session++) await submit(daemon, `s${session}`, script(session));
    await stream.reached(60n);

    const archive = join(directory, "backup.tar");
    const taken = await cli(daemon, "backup", "--out", archive, "--output", "json");
    expect(taken.stderr).toBe("");
    const { manifest } = JSON.parse(taken.stdout) as {
      manifest: { journal_head: number; blobs: { count: number } };
    };
    const busy = await get<Listed>(daemon, "/v1/runs?page=true");
    expect(
      busy.items.some((run) => !isTerminal(run.status)),
      "the backup met work",
    ).toBe(true);
    expect((await stat(archive)).mode & 0o777).toBe(0o600);
    // The original goes on for a while: what it does now, the copy will not know.
    await writeFile(join(at.workspace, "released"), "");
    await stream.reached(BigInt(manifest.journal_head) + 5n);
    const originals = new Map<string, Journal>();
    for (let session = 0; session < SESSIONS; session++)
      originals.set(`s${session}`, journalIn(await journalOf(daemon, `s${session}`)));
    await daemon.kill();

    const elsewhere = await place(directory, "elsewhere");
    const restored = await cli(
      undefined,
      "restore",
      archive,
      "--state-root",
      elsewhere.stateRoot,
      "--store",
      copy,
    );
    expect([restored.code, restored.stderr]).toEqual([0, ""]);
    const held = await daemonOn(elsewhere, "--store", copy);

    // Nothing moves, and up to the backup every journal is the original's, event by event.
    const before = new Map<string, Journal>();
    for (let session = 0; session < SESSIONS; session++) {
      const journal = journalIn(await journalOf(held, `s${session}`));
      expect(journal).toEqual(originals.get(`s${session}`)?.slice(0, journal.length));
      before.set(`s${session}`, journal);
    }
    const { events, health } = await get<{
      events: { next_event_id: string };
      health: { warnings: { code: string }[] };
    }>(held, "/v1/status");
    expect(Number(events.next_event_id)).toBe(manifest.journal_head + 1);
    expect(health.warnings.map(({ code }) => code)).toContain("restored_copy_holding");
    await held.stop();

    const resumed = await daemonOn(elsewhere, "--store", copy, "--resume-restored");
    const runs = (await get<Listed>(resumed, "/v1/runs?page=true")).items;
    expect(runs).toHaveLength(SESSIONS + 1);
    for (const { run_id } of runs) {
      await follow(`${resumed.baseUrl}/v1/runs/${run_id}/stream?until=terminal`).last;
      expect((await get<RunView>(resumed, `/v1/runs/${run_id}`)).status).toBe("completed");
    }
    let unknown = 0;
    for (let session = 0; session < SESSIONS; session++) {
      const journal = journalIn(await journalOf(resumed, `s${session}`));
      const known = before.get(`s${session}`) ?? [];
      expect(journal.slice(0, known.length), "history was not rewritten").toEqual(known);
      const started = known.filter(({ event }) => event.type === "tool_call_started").length;
      const finished = known.filter(({ event }) => event.type === "tool_call_finished").length;
      const surfaced = journal.filter(({ event }) => event.ledger === "unknown").length;
      expect(surfaced, "effects that the backup met in flight are unknown, and are not made again").toBe(
        started - finished,
      );
      unknown += surfaced;
    }
    expect(manifest.blobs.count, "large outputs came along").toBeGreaterThan(0);
    expect(unknown).toBeLessThanOrEqual(SESSIONS);
    expect(await readFile(join(at.workspace, "ledger-0"), "utf8")).toContain(String(STEPS - 1));
  });
});

test("a restore that is killed at any moment leaves a root that no daemon takes, and the same command finishes it", async () => {
  const directory = await scratch();
  const daemon = await daemonOn(await place(directory));
  for (let session = 0; session < SESSIONS; session++) await completed(daemon, `s${session}`, LARGE_RUN);
  const archive = join(directory, "backup.tar");
  const taken = await cli(daemon, "backup", "--out", archive, "--output", "json");
  const { manifest } = JSON.parse(taken.stdout) as { manifest: { journal_head: number } };

  const root = join(directory, "elsewhere");
  const mark = join(root, "restoring");
  const command = ["restore", archive, "--state-root", root];
  let refused = 0;
  for (let pause = 0; pause < 60; pause += 12) {
    // The first stands still by itself once it has begun to fill the root: however late the kill is, it hits the filling.
    if (pause === 0) vi.stubEnv("NODE_OPTIONS", `--import "${stopsAt(mark)}"`);
    const cut = await cliProcess(command, async (isOver) => {
      while (!isOver() && !existsSync(mark)) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setTimeout(resolve, pause));
    });
    vi.unstubAllEnvs();
    if (cut.signal !== "SIGKILL" || !existsSync(mark)) break;
    refused += 1;
    if (pause > 0) continue;
    const flags = ["--bind", "127.0.0.1:0", "--state-root", root, "--lock-wait-ms", "0"];
    const started = await cliProcess(["serve", ...flags, "--workspace-root", directory]);
    expect([started.code, started.stderr]).toEqual([1, expect.stringContaining("half a restore")]);
  }
  expect(refused, "the kills hit the filling").toBeGreaterThan(0);
  const last = await cliProcess(command);
  // The last kill may have come when all was done: then the root is whole, and not to be filled again.
  expect([0, 6]).toContain(last.code);
  expect(existsSync(mark)).toBe(false);
  const restored = await daemonOn(await place(directory, "elsewhere"));
  expect(await get(restored, "/v1/status")).toMatchObject({
    events: { next_event_id: String(manifest.journal_head + 1) },
    sessions: { total: SESSIONS },
  });
});
