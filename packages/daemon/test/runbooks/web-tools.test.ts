import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, isHealthy, Machine } from "./support/machine.ts";
import { runbook, stepsOf } from "./support/runbook.ts";

const needed = ["bash", "curl", "jq"];
const missing = needed.filter((program) => !has(program));

describe.skipIf(missing.length > 0)(`docs/web-tools.md (needs ${needed.join(", ")})`, () => {
  const steps = (wanted: string) =>
    runbook("../web-tools.md").flatMap(({ info, text }) => (info === wanted ? stepsOf(text) : []));
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.create();
    const [serve] = steps("sh serve");
    const command = `${serve?.command} --bind 127.0.0.1:4000 --log-level error`;
    await machine.start(command, () => isHealthy(machine));
  });
  afterAll(() => machine.remove());

  test("03-A1 03-R17 each of its examples does what the page says", async () => {
    expect(steps("sh")).toHaveLength(4);
    for (const { command, expected = { stdout: "", exitCode: 0 } } of steps("sh")) {
      const { stdout, exitCode, stderr } = await machine.run({ command });
      expect({ command, stdout: stdout.trimEnd(), exitCode, stderr }).toEqual({
        command,
        ...expected,
        stderr: "",
      });
    }
  });
});
