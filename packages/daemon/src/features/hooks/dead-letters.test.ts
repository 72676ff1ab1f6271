import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HookDefinition } from "@kheish/contract";
import { expect, test } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import { systemRandom } from "../../kernel/random.ts";
import { openSqliteStore } from "../../kernel/sqlite/index.ts";
import { HookDeadLetters } from "./dead-letters.ts";

const KEPT = 5_000;
const BATCH = 500;

test("03 the newest 5000 dead letters are kept and the newest 1000 listed, oldest first", async () => {
  const directory = await mkdtemp(join(tmpdir(), "kheish-dead-letters-"));
  const clock = new SimulatedClock(0);
  const store = await openSqliteStore({ path: join(directory, "kheish.db"), clock });
  const letters = new HookDeadLetters({ store, clock, random: systemRandom });
  const hook: HookDefinition = {
    name: "guard",
    failure_policy: { max_retries: 0 },
    executor: { type: "command", command: "s3cret" },
  };
  const input = { event: "stop", contract_version: 1, invocation_key: "k" } as const;
  const failure = { hook, input, mode: "open", attempts: 1, error: "x".repeat(5_000) } as const;
  try {
    for (let made = 0; made <= KEPT; made += BATCH) {
      await clock.advance(1);
      await store.commit(await letters.opsFor(Array.from({ length: BATCH }, () => failure)));
    }
    expect(await letters.counts()).toMatchObject({ all: KEPT, unresolved: KEPT, last: { at_ms: 11 } });
    const [oldest] = await store.list("hook_dead_letter", { index: "at", limit: 1 });
    expect(oldest?.data, "the first batch is gone").toMatchObject({ at_ms: 2, error: "x".repeat(1_024) });
    const listed = await letters.list();
    expect(listed).toHaveLength(1_000);
    expect([listed[0]?.at_ms, listed.at(-1)?.at_ms]).toEqual([10, 11]);
    expect(JSON.stringify(listed)).not.toContain("s3cret");
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
});
