import { afterEach, describe, expect, test } from "vitest";
import { CannotMount } from "./faults/small-disk.ts";
import { runChaos } from "./index.ts";
import type { ChaosOptions } from "./options.ts";
import type { Report } from "./report.ts";

const WITHIN_MS = 120_000;

let cleanup = new AsyncDisposableStack();
afterEach(async () => {
  await cleanup.disposeAsync();
  cleanup = new AsyncDisposableStack();
});

/** Small: the large ones are `npm run chaos`. */
function chaos(options: Partial<ChaosOptions>): Promise<Report> {
  const small = {
    runs: 12,
    kills: 2,
    store: "sqlite",
    loseAcks: 0.2,
    faults: [],
    scenario: "load",
    seed: "test",
  };
  return runChaos({ ...small, ...options } as ChaosOptions, { cleanup, say: () => undefined });
}

const CLEAN = { lost: 0, repeated: 0, stream_gaps: 0, stream_duplicates: 0, crashes: 0, findings: [] };

describe("chaos", () => {
  test.each(["sqlite", "postgres"] as const)(
    "01-R90 01-R92 kills and lost acknowledgements lose, repeat and hide nothing (%s)",
    async (store) => {
      const report = await chaos({ store });
      expect(report).toMatchObject({ ...CLEAN, accepted: 12, settled: 12, kills: 2 });
      expect(report.takeovers, "the kills hit work").toBeGreaterThan(0);
      expect(report.lost_acknowledgements).toBeGreaterThan(0);
    },
    WITHIN_MS,
  );

  test("01-R90 01-R92 a PostgreSQL that is killed and comes back costs nothing", {
    timeout: WITHIN_MS,
  }, async () => {
    const report = await chaos({ store: "postgres", kills: 0, faults: ["postgres-restart"] });
    expect(report).toMatchObject({ ...CLEAN, settled: 12, restarts: 0 });
  });

  test("01-R90 01-R92 a clock that jumps by hours costs nothing", { timeout: WITHIN_MS }, async () => {
    const report = await chaos({ kills: 1, faults: ["clock-step"] });
    expect(report).toMatchObject({ ...CLEAN, settled: 12 });
  });

  test("01-R90 01-R92 a full disk refuses and loses nothing", { timeout: WITHIN_MS }, async ({ skip }) => {
    const report = await chaos({ kills: 1, faults: ["disk-full"] }).catch((error: unknown) => {
      if (error instanceof CannotMount) return skip(error.message);
      throw error;
    });
    expect(report).toMatchObject({ ...CLEAN, settled: report.accepted });
    expect(report.problems.storage_full).toBeGreaterThan(0);
  });

  test(
    "01-R99 SIGTERM with live runs and a deaf tool: readiness false first, and all go on after",
    async () => {
      const report = await chaos({ scenario: "sigterm", kills: 0, loseAcks: 0 });
      expect(report).toMatchObject({ ...CLEAN, settled: 12, completed: 12 });
      expect(report.sigterm).toMatchObject({ live_runs: 12, readiness_false_first: true });
      // The promise is two seconds; the margin is the shared disk's.
      expect(report.sigterm?.seconds_to_exit).toBeLessThan(2.5);
    },
    WITHIN_MS,
  );

  test.each(["sqlite", "postgres"] as const)(
    "01-R92 03, MCP client: calls of servers that are killed, as their daemon is, are not repeated by accident (%s)",
    async (store) => {
      const report = await chaos({ scenario: "mcp", store, runs: 16, kills: 6, loseAcks: 0 });
      expect(report).toMatchObject({ ...CLEAN, accepted: 16, settled: 16, completed: 16, kills: 6 });
      expect(report).toMatchObject({ mcp: { calls: 96, server_kills: 4 } });
      expect(report.effects).toBeGreaterThan(48);
    },
    WITHIN_MS,
  );

  test.each(["sqlite", "postgres"] as const)(
    "01-R90 03-R15 04-R43 04-R52 commands in the background begin once, end with their daemon, and are told as they ended (%s)",
    async (store) => {
      const report = await chaos({ scenario: "tasks", store, runs: 12, kills: 3, loseAcks: 0 });
      expect(report).toMatchObject({ ...CLEAN, kills: 3, settled: report.accepted });
      const { commands, outlived, ...ended } = report.tasks ?? {};
      expect([commands, outlived]).toEqual([48, 0]);
      for (const [how, count] of Object.entries(ended)) expect(count, how).toBeGreaterThan(0);
    },
    WITHIN_MS,
  );

  test.each(["sqlite", "postgres"] as const)(
    "02-A6 02-R51 02-R67 02-A7 a budget holds, rotations fail no run, and what is revoked stays so, under kills (%s)",
    async (store) => {
      const report = await chaos({ scenario: "governed", store, runs: 40, kills: 3, loseAcks: 0 });
      expect(report).toMatchObject({ ...CLEAN, accepted: 40, settled: 40, kills: 3 });
      const { governed } = report;
      expect(governed).toMatchObject({ budget_calls: 34, used_after_revocation: 0 });
      expect(governed?.calls_dispatched).toBeLessThanOrEqual(34);
      expect(governed?.failed_by_budget, "the budget came to its end").toBeGreaterThan(0);
      for (const count of ["rotations", "rekeys", "revocations", "tokens_revoked"] as const)
        expect(governed?.[count], count).toBeGreaterThan(0);
    },
    WITHIN_MS,
  );
});
