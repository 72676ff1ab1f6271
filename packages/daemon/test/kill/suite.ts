import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isTerminal, type RunView, type SessionEventLog } from "@kheish/contract";
import { afterEach, describe, expect, test } from "vitest";
import { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { processContext } from "../../src/surface/cli/process-context.ts";
import { type Frame, follow, markEnd } from "../support/follow.ts";
import { ownTime } from "../support/own-time.ts";

/**
 * A real daemon in a process of its own, under load, killed with SIGKILL at moments nobody chose.
 * The outside world is a file per run that commands append to: what stands in it happened.
 */
const BIN = fileURLToPath(new URL("../../bin/kheish.js", import.meta.url));
/** Who hand over one run after the other, until nobody is killed any more. */
const CALLERS = 8;
const STEPS = 5;
const KILLS = 4;

const undo: (() => Promise<unknown>)[] = [];

function script(run: number): string {
  const steps = Array.from({ length: STEPS }, (_, step) => ({
    text: `step ${step}`,
    delay_ms: 15,
    tool_calls: [{ name: "bash", input: { command: `sleep 0.0${step + 1}; echo ${step} >> ledger-${run}` } }],
  }));
  return JSON.stringify({ simulate: [...steps, { text: "all done" }] });
}

async function post<T>(url: string, body: object, headers: Record<string, string> = {}): Promise<T> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as T;
}

/** A caller that does not know whether its request arrived sends it again under the same key. */
async function submitUntilAcknowledged(daemon: DaemonProcess, run: number): Promise<string> {
  const session = `s${run}`;
  for (;;) {
    try {
      await post(`${daemon.baseUrl}/v1/sessions`, { session_id: session });
      const view = await post<RunView>(
        `${daemon.baseUrl}/v1/sessions/${session}/runs`,
        { content: script(run) },
        { "idempotency-key": `run-${run}` },
      );
      if (view.run_id !== undefined) return view.run_id;
    } catch {
      // Killed in between: the next daemon answers.
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function startDaemon(store: string) {
  const directory = await mkdtemp(join(tmpdir(), "kheish-kill-"));
  undo.push(() => rm(directory, { recursive: true, force: true }));
  const workspace = join(directory, "workspace");
  await mkdir(workspace);
  const place = {
    directory,
    workspace,
    stateRoot: join(directory, "state"),
    log: join(directory, "daemon.log"),
  };
  const { clock } = processContext();
  const flags = ["--permission-mode", "bypass-permissions", "--store", store];
  const daemon = await DaemonProcess.start(place, clock, flags);
  undo.push(() => daemon.stop());
  return { daemon, workspace, clock, stateRoot: place.stateRoot };
}

/** A second daemon on the same state root: what it says and how it ends. */
async function startRival(stateRoot: string): Promise<{ code: number | null; said: string }> {
  const flags = ["--bind", "127.0.0.1:0", "--state-root", stateRoot, "--lock-wait-ms", "0"];
  const rival = spawn(process.execPath, [BIN, "serve", ...flags], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  rival.stderr.on("data", (chunk) => {
    said += String(chunk);
  });
  const [code] = (await once(rival, "close")) as [number | null];
  return { code, said };
}

/** The last that is told of a run; a daemon that is killed meanwhile is waited for. */
function endOf(daemon: DaemonProcess, runId: string): Promise<Frame | undefined> {
  return follow(`${daemon.baseUrl}/v1/runs/${runId}/stream?snapshot=true&until=terminal`).last;
}

function runIn(frame: Frame | undefined): RunView {
  const data = frame?.data as { run?: RunView } | undefined;
  if (data?.run === undefined) throw new Error("the stream ended without a run");
  return data.run;
}

/** What the journal says became of each command, by its step. */
function ledger(log: SessionEventLog): Map<string, string> {
  const steps = new Map<string, string>();
  const found = new Map<string, string>();
  for (const { event } of log.session.journal) {
    if (event.type === "message_appended") {
      const { parts } = event.message as {
        parts: { type: string; id?: string; input?: { command: string } }[];
      };
      for (const part of parts) {
        const step = /echo (\d+)/.exec(part.input?.command ?? "")?.[1];
        if (part.type === "tool_call" && part.id !== undefined && step !== undefined)
          steps.set(part.id, step);
      }
    }
    if (event.type === "tool_call_finished") {
      const step = steps.get(String(event.call_id));
      if (step !== undefined) found.set(step, String(event.ledger));
    }
  }
  return found;
}

export function killSuite(name: string, openStore: () => Promise<string>): void {
  describe(`a daemon on ${name} killed with SIGKILL under load`, () => {
    afterEach(async () => {
      for (const step of undo.splice(0).reverse()) await step();
    });

    test("01-R90 01-R92 loses no accepted run, repeats no effect, hides no unknown outcome, and its streams have no gap", async () => {
      const { daemon, workspace, clock } = await startDaemon(await openStore());
      const stop = new AbortController();
      const stream = follow(`${daemon.baseUrl}/v1/events/stream?cursor=0`, stop.signal);
      const accepted: Promise<string>[] = [];
      let isOver = false;
      const call = async () => {
        // However late a kill is, it finds somebody at work.
        while (!isOver) {
          const submitted = submitUntilAcknowledged(daemon, accepted.length);
          accepted.push(submitted);
          await endOf(daemon, await submitted);
        }
      };
      const work = Promise.all(Array.from({ length: CALLERS }, call));

      for (let kill = 0; kill < KILLS; kill++) {
        // By progress, not by the clock: on a slow machine a kill would else find nobody at work.
        const before = stream.frames.length;
        while (stream.frames.length < before + CALLERS) await clock.sleep(5);
        await clock.sleep(Math.random() * 100);
        await daemon.kill();
        await daemon.restart();
      }
      isOver = true;
      await work;
      const runIds = await Promise.all(accepted);
      const runs: RunView[] = [];
      for (const runId of runIds) runs.push(runIn(await endOf(daemon, runId)));
      expect(runs.every((run) => isTerminal(run.status))).toBe(true);
      expect(runs.map((run) => run.status)).toEqual(runs.map(() => "completed"));
      expect(new Set(runIds).size).toBe(runIds.length);

      let unknown = 0;
      for (let run = 0; run < runIds.length; run++) {
        const text = await readFile(join(workspace, `ledger-${run}`), "utf8").catch(() => "");
        const done = text.split("\n").filter((line) => line !== "");
        expect(new Set(done).size, `run ${run} repeated nothing: ${done.join(" ")}`).toBe(done.length);
        const log = (await (
          await fetch(`${daemon.baseUrl}/v1/sessions/s${run}/events`)
        ).json()) as SessionEventLog;
        const outcomes = ledger(log);
        for (let step = 0; step < STEPS; step++) {
          const outcome = outcomes.get(String(step));
          if (outcome === "unknown") unknown += 1;
          else
            expect([outcome, done.includes(String(step))], `run ${run} step ${step}`).toEqual([
              "settled",
              true,
            ]);
        }
      }
      const restarts = runs.reduce((sum, run) => sum + (run.usage?.restarts ?? 0), 0);
      expect(restarts, "the kills hit work").toBeGreaterThan(0);
      expect(unknown).toBeLessThanOrEqual(restarts);

      const head = await markEnd(daemon.baseUrl);
      await stream.reached(head);
      stop.abort();
      const ids = stream.frames.flatMap((frame) => (frame.id === undefined ? [] : [BigInt(frame.id)]));
      expect(ids).toEqual([...ids].sort((a, b) => (a < b ? -1 : 1)));
      expect(new Set(ids).size, "no event twice").toBe(ids.length);
      const all = await follow(`${daemon.baseUrl}/v1/events/stream?cursor=0`, undefined, head).reached(head);
      expect(ids, "no event missing").toEqual(all);
    });

    test("01-R99 SIGTERM with a tool that does not listen: readiness false first, gone within two seconds, resumed after", async () => {
      const { daemon, workspace } = await startDaemon(await openStore());
      const stubborn = "trap '' TERM; echo begun > begun; while true; do sleep 1; done";
      const turns = [
        { tool_calls: [{ name: "bash", input: { command: stubborn } }] },
        { text: "{{last_tool_output}}" },
      ];
      await post(`${daemon.baseUrl}/v1/sessions`, { session_id: "stuck" });
      const content = JSON.stringify({ simulate: turns });
      const { run_id } = await post<RunView>(`${daemon.baseUrl}/v1/sessions/stuck/runs`, { content });
      await waitForFile(join(workspace, "begun"));

      let ready = 200;
      const tookMs = await ownTime([daemon.pid], async () => {
        const gone = daemon.stop();
        while (ready === 200) ready = (await fetch(`${daemon.baseUrl}/readyz`)).status;
        await gone;
      });
      expect(ready).toBe(503);
      expect(tookMs, "the promise is two seconds; the margin is the shared disk's").toBeLessThan(2_500);

      await daemon.restart();
      const run = runIn(await endOf(daemon, run_id));
      expect(run.status).toBe("completed");
      expect(run.outputs?.[0]?.content).toContain("interrupted");
      expect(run.usage?.restarts).toBe(1);
    });

    test("01-R97 a second daemon on the same state root is refused, and the lock is free after SIGKILL", async () => {
      const { daemon, stateRoot } = await startDaemon(await openStore());
      const rival = await startRival(stateRoot);
      expect(rival).toEqual({ code: 1, said: expect.stringContaining(stateRoot) });
      expect(rival.said).toContain(String(daemon.pid));
      await daemon.kill();
      await daemon.restart();
    });
  });
}

async function waitForFile(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
}
