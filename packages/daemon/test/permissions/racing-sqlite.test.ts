import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { SimulatedClock } from "../../src/kernel/clock.ts";
import { openSqliteStore } from "../../src/kernel/sqlite/index.ts";
import { racingAnswers } from "./racing-answers.ts";

racingAnswers(async (count) => {
  const directory = await mkdtemp(join(tmpdir(), "kheish-racing-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const store = await openSqliteStore({ path: join(directory, "kheish.db"), clock: new SimulatedClock() });
  return Array.from({ length: count }, () => store);
});
