import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, isHealthy, Machine } from "./support/machine.ts";
import { runbook, stepsOf } from "./support/runbook.ts";

const needed = ["bash", "curl", "jq"];
const missing = needed.filter((program) => !has(program));

describe.skipIf(missing.length > 0)(`docs/permissions.md (needs ${needed.join(", ")})`, () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.create();
    const places = "--state-root /var/lib/kheish/state --workspace-root /srv/kheish";
    await machine.start(`kheish serve --bind 127.0.0.1:4000 ${places} --log-level error`, () =>
      isHealthy(machine),
    );
  });
  afterAll(() => machine.remove());

  test("each of its examples does what the page says", async () => {
    const steps = runbook("../permissions.md").flatMap(({ info, text }) =>
      info === "sh" ? stepsOf(text) : [],
    );
    expect(steps.length).toBeGreaterThan(20);
    for (const step of steps) {
      const { stdout, exitCode, stderr } = await machine.run(step);
      const { stdout: said, exitCode: code } = step.expected ?? { stdout: "", exitCode: 0 };
      expect({ command: step.command, stdout: stdout.trimEnd(), exitCode, stderr }).toEqual({
        command: step.command,
        stdout: said,
        exitCode: code,
        stderr: "",
      });
    }
  }, 180_000);
});
