import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/**
 * Agents' commands run in a login shell, and tests kill shells at any moment: whatever the profile of the person who runs the
 * tests was about to do would be left half-done, with its locks.
 */
const home = join(tmpdir(), "kheish-tests-home");
mkdirSync(home, { recursive: true });

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "packages/*/test/**/*.test.ts", "scripts/**/*.test.ts"],
    pool: "forks",
    env: { HOME: home },
    // Vitest leaves a core to itself; on two that would be half of the machine, and most tests wait for processes.
    maxWorkers: "100%",
    // What comes eventually comes late on a busy machine. These end a test that hangs; they are no measure of speed.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
