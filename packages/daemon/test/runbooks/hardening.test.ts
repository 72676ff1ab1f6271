import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, isHealthy, Machine } from "./support/machine.ts";
import { runbook, type Step, stepsOf } from "./support/runbook.ts";

const steps = runbook("hardening.md").flatMap(({ info, text }) => (info === "sh" ? stepsOf(text) : []));
const missing = ["curl", "openssl", "bash"].filter((program) => !has(program));

describe.skipIf(missing.length > 0)(`docs/operations/hardening.md (needs curl, openssl)`, () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.create();
    const token = join(machine.root, "etc/kheish/admin-token");
    await mkdir(join(machine.root, "etc/kheish"));
    await writeFile(token, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
    machine.env.KHEISH_DAEMON_TOKEN_FILE = token;
    const serve =
      "kheish serve --bind 127.0.0.1:4000 --state-root /var/lib/kheish/state --workspace-root /srv/kheish " +
      "--http-auth-mode bearer --http-admin-token-file /etc/kheish/admin-token";
    await machine.start(serve, () => isHealthy(machine));
  });
  afterAll(() => machine.remove());

  test.each(steps.map((step, index): [number, string, Step] => [index + 1, step.command, step]))(
    "step %i: %s",
    async (_index, _command, step) => {
      const { stdout, stderr, exitCode } = await machine.run(step);
      const expected = step.expected ?? { exitCode: 0 };
      expect({ exitCode, stderr }).toEqual({
        exitCode: expected.exitCode,
        stderr: expected.exitCode === 0 ? "" : expect.any(String),
      });
      if (step.expected !== undefined) expect(stdout.trimEnd()).toBe(step.expected.stdout);
    },
  );
});
