import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BudgetView, DaemonStatusView, RunView } from "@kheish/contract";
import { afterEach, describe, expect, test } from "vitest";
import { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { processContext } from "../../src/surface/cli/process-context.ts";
import { WireDouble } from "./wire-double.ts";

const RUNS = 100;
const LIMIT = 50;
/** Calls that reached the provider when a daemon is killed. */
const FIRST_KILL = 8;
const KILLED_AT = [FIRST_KILL, 20, 33, 45];
const HELD_MS = 10_000;
/** Many processes start and die in it, on whatever machine. */
const WITHIN_MS = 180_000;
const BUDGET = "/v1/runtime/budgets/fifty-calls";

const undo: (() => Promise<unknown>)[] = [];

async function startDaemon(name: string, routes: string, store: string): Promise<DaemonProcess> {
  const directory = await mkdtemp(join(tmpdir(), `kheish-budget-${name}-`));
  undo.push(() => rm(directory, { recursive: true, force: true }));
  const workspace = join(directory, "workspace");
  const file = join(directory, "routes.toml");
  await mkdir(workspace);
  await writeFile(file, routes);
  const place = { directory, workspace, stateRoot: join(directory, "state"), log: join(directory, "log") };
  const daemon = await DaemonProcess.start(place, processContext().clock, [
    "--store",
    store,
    "--routes-file",
    file,
  ]);
  undo.push(() => daemon.stop());
  return daemon;
}

async function ask<T>(
  daemon: DaemonProcess,
  path: string,
  method = "GET",
  body?: object,
  key?: string,
): Promise<T> {
  const answer = await fetch(`${daemon.baseUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: { "content-type": "application/json", ...(key === undefined ? {} : { "idempotency-key": key }) },
  });
  return (await answer.json()) as T;
}

/** A caller whose daemon may be killed under it: repeats until it is acknowledged. */
async function submit(daemon: DaemonProcess, run: number): Promise<void> {
  for (;;) {
    try {
      await ask(daemon, "/v1/sessions", "POST", { session_id: `s${run}` });
      const view = await ask<RunView>(
        daemon,
        `/v1/sessions/s${run}/runs`,
        "POST",
        { content: "go" },
        `run-${run}`,
      );
      if (view.run_id !== undefined) return;
    } catch {
      await tick();
    }
  }
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 10));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await tick();
}

const statusOf = (daemon: DaemonProcess) => ask<DaemonStatusView>(daemon, "/v1/status");

/** Whether a daemon has read what another one has written. */
async function knows(daemon: DaemonProcess, other: DaemonProcess): Promise<boolean> {
  const [own, others] = await Promise.all([statusOf(daemon), statusOf(other)]);
  return BigInt(own.events.tail_event_id_cursor) >= BigInt(others.events.tail_event_id_cursor);
}

export function budgetKillSuite(name: string, count: number, openStore: () => Promise<string>): void {
  describe(`${count === 1 ? "one daemon" : `${count} daemons`} on ${name}, killed with SIGKILL under ${RUNS} concurrent runs`, () => {
    afterEach(async () => {
      for (const step of undo.splice(0).reverse()) await step();
    });

    test(
      `02-A6 weakness 15: of a budget of ${LIMIT} model calls at most ${LIMIT} leave, and none is lost or held for ever`,
      async () => {
        // Whatever the machine's pace, the first kill finds calls under way.
        const double = await WireDouble.start((call) =>
          call <= FIRST_KILL ? HELD_MS : 50 + Math.random() * 300,
        );
        undo.push(() => double.stop());
        const store = await openStore();
        const daemons: DaemonProcess[] = [];
        for (let n = 0; n < count; n++) daemons.push(await startDaemon(`${n}`, double.routes, store));
        const daemonFor = (n: number) => daemons[n % count] as DaemonProcess;
        const [first] = daemons as [DaemonProcess];
        const definition = { scope: { kind: "daemon" }, limits: { model_calls: LIMIT } };
        await ask(first, BUDGET, "PUT", definition);
        for (const daemon of daemons) await until(() => knows(daemon, first));

        const submitted = Promise.all(Array.from({ length: RUNS }, (_, run) => submit(daemonFor(run), run)));
        for (const [n, calls] of KILLED_AT.entries()) {
          await until(async () => double.calls >= calls || (await isOver(first).catch(() => false)));
          await daemonFor(n).kill();
          await daemonFor(n).restart();
        }
        await submitted;
        await until(() => isOver(first));

        expect(double.calls, "calls that left").toBeLessThanOrEqual(LIMIT);
        const { runs } = await statusOf(first);
        expect(runs.completed + runs.waiting_for_approval).toBe(RUNS);
        expect(runs.completed).toBeLessThanOrEqual(double.calls);
        expect(runs.completed, "the kills cut calls").toBeLessThan(LIMIT);
        const budget = await ask<BudgetView>(first, BUDGET);
        expect(budget).toMatchObject({
          used: { model_calls: LIMIT },
          reserved: { model_calls: 0, total_tokens: 0 },
        });
        expect(budget.waiting_run_count).toBe(runs.waiting_for_approval);
      },
      WITHIN_MS,
    );
  });
}

async function isOver(daemon: DaemonProcess): Promise<boolean> {
  const { runs } = await statusOf(daemon);
  return runs.total === RUNS && runs.completed + runs.waiting_for_approval + runs.failed === RUNS;
}
