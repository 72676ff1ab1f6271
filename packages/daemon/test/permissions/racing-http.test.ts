import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PermissionAudit, RunEventEntry, RunView } from "@kheish/contract";
import { describe, expect, onTestFinished, test } from "vitest";
import { ask } from "../support/ask.ts";
import { startPostgres } from "../support/postgres.ts";
import { ServedDaemon } from "../support/served.ts";

/** The same as 10,000 answers within one process (`racing-answers.ts`), through the door and with real effects. */
const SESSIONS = 5;
const APPROVALS = 8;
const CLIENTS = 50;

/** One daemon on SQLite, two on one PostgreSQL: clients ask whichever they know. */
async function daemonsOn(engine: "sqlite" | "postgres"): Promise<ServedDaemon[]> {
  let store = "sqlite";
  if (engine === "postgres") {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    store = await server.createDatabase();
  }
  const daemons: ServedDaemon[] = [];
  onTestFinished(async () => {
    for (const daemon of daemons) await daemon.remove();
  });
  for (let n = 0; n < (engine === "postgres" ? 2 : 1); n++) daemons.push(await ServedDaemon.start({ store }));
  return daemons;
}

/** What approved commands did: each appends a line to a file of its own, wherever it ran. */
async function linesOf(daemons: readonly ServedDaemon[], file: string): Promise<number> {
  let lines = 0;
  for (const { workspace } of daemons) {
    if (!(await readdir(workspace)).includes(file)) continue;
    lines += (await readFile(join(workspace, file), "utf8")).split("\n").length - 1;
  }
  return lines;
}

async function reaches(daemon: ServedDaemon, runId: string, status: RunView["status"]): Promise<RunView> {
  for (;;) {
    const { body } = await ask<RunView>(daemon, "GET", `/v1/runs/${runId}`);
    if (body.status === status) return body;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe.each(["sqlite", "postgres"] as const)("2,000 answers over HTTP on %s", (engine) => {
  test("03-R30 03-R36 01-A1 race, and nothing is decided twice, done twice, or told otherwise than it is", {
    timeout: 300_000,
  }, async () => {
    const daemons = await daemonsOn(engine);
    const at = (n: number) => daemons[n % daemons.length] as ServedDaemon;
    for (let n = 0; n < SESSIONS; n++) {
      const session = `s${n}`;
      await ask(at(n), "POST", "/v1/sessions", { session_id: session });
      const files = Array.from({ length: APPROVALS }, (_, index) => `${session}-${index}.txt`);
      const tool_calls = files.map((file) => ({ name: "bash", input: { command: `echo done >> ${file}` } }));
      const content = JSON.stringify({ simulate: [{ tool_calls }, { text: "done" }] });
      const { body } = await ask<RunView>(at(n), "POST", `/v1/sessions/${session}/runs`, { content });
      const waiting = await reaches(at(n), body.run_id, "waiting_for_approval");
      const ids = (waiting.pending_approvals ?? []).map(({ id }) => id);
      expect(ids).toHaveLength(APPROVALS);

      const answers = ids.flatMap((request_id, which) =>
        Array.from({ length: CLIENTS }, async (_, nth) => {
          const behavior = (nth + which) % 2 === 0 ? "allow" : "deny";
          const { status } = await ask(at(nth), "POST", `/v1/runs/${body.run_id}/approvals`, {
            resolutions: [{ request_id, behavior }],
          });
          expect([202, 409]).toContain(status);
          return { request_id, behavior, taken: status === 202 };
        }),
      );
      const outcomes = await Promise.all(answers);
      await reaches(at(n), body.run_id, "completed");

      const events = await ask<RunEventEntry[]>(at(n), "GET", `/v1/runs/${body.run_id}/events`);
      const decided = events.body.flatMap(({ event }) =>
        event.type === "approval_resolved" ? event.resolutions : [],
      );
      expect(decided.map(({ request_id }) => request_id).sort()).toEqual([...ids].sort());
      // Beside the audit, which keeps what was judged: that somebody had to be asked.
      const audits = await ask<PermissionAudit[]>(at(n), "GET", `/v1/sessions/${session}/permission-audits`);
      expect(audits.body.map((audit) => [audit.decision, audit.approval_request_id]).sort()).toEqual(
        ids.map((id) => ["ask", id]).sort(),
      );
      for (const [index, id] of ids.entries()) {
        const behavior = decided.find(({ request_id }) => request_id === id)?.behavior;
        const taken = outcomes.filter((one) => one.request_id === id && one.taken);
        expect(taken.length, "somebody was told yes").toBeGreaterThan(0);
        for (const one of taken) expect(one.behavior).toBe(behavior);
        expect(await linesOf(daemons, files[index] ?? "")).toBe(behavior === "allow" ? 1 : 0);
      }
    }
  });
});
