import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { isHealthy, Machine } from "../runbooks/support/machine.ts";
import { runbook, stepsOf } from "../runbooks/support/runbook.ts";

const SERVE =
  "kheish serve --bind 127.0.0.1:4000 --state-root /var/lib/kheish/state --workspace-root /srv/kheish";
let machine: Machine;
afterEach(() => machine.remove());

describe("docs/hooks.md", () => {
  test("03 its example works as it is written", async () => {
    const blocks = runbook("../hooks.md");
    machine = await Machine.create();
    await writeFile(join(machine.root, "hooks.json"), blocks.find(({ info }) => info === "json")?.text ?? "");
    await machine.run({ command: "mkdir -p /etc/kheish && cp ~/hooks.json /etc/kheish/hooks.json" });
    await machine.start(SERVE, () => isHealthy(machine));
    const steps = blocks.flatMap(({ info, text }) => (info === "sh" ? stepsOf(text) : []));
    expect(steps.length).toBeGreaterThan(8);
    for (const step of steps) {
      const { stdout, stderr, exitCode } = await machine.run(step);
      const expected = step.expected ?? { exitCode: 0, stdout: "" };
      expect({ step: step.command, stdout: stdout.trimEnd(), stderr, exitCode }).toEqual({
        step: step.command,
        stdout: expected.stdout,
        stderr: "",
        exitCode: expected.exitCode,
      });
    }
  });
});

describe("SIGKILL", () => {
  const calls = async () => {
    const text = await readFile(join(machine.root, "srv/calls"), "utf8").catch(() => "");
    return text
      .trim()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { invocation_key: string });
  };
  const start = () => machine.start(SERVE, () => isHealthy(machine));
  async function kill(daemon: ChildProcess): Promise<void> {
    daemon.kill("SIGKILL");
    await once(daemon, "exit");
  }

  test("03 a hook in flight is called again with the same key, and a failing guard still blocks", async () => {
    machine = await Machine.create();
    const hook = machine.here(
      "cat >> /srv/calls; echo >> /srv/calls; until [ -e /srv/go ]; do sleep 0.1; done; exit 7",
    );
    const executor = { type: "command", command: hook, timeout_ms: 30_000 };
    const settings = { hooks: { pre_tool_use: [{ name: "guard", executor }] } };
    await writeFile(join(machine.root, "hooks.json"), JSON.stringify(settings));
    const first = await start();
    const ran = async (command: string) => {
      const { stdout, stderr, exitCode } = await machine.run({ command });
      expect({ command, exitCode, stderr }).toEqual({ command, exitCode: 0, stderr: "" });
      return stdout;
    };
    await ran("kheish runtime hooks set --file ~/hooks.json && kheish sessions create s");
    const script = {
      simulate: [{ tool_calls: [{ name: "get_goal", input: {} }] }, { text: "{{last_tool_output}}" }],
    };
    await ran(`kheish sessions input s '${JSON.stringify(script)}'`);
    while ((await calls()).length === 0) await delay(20);
    await kill(first);
    await writeFile(join(machine.root, "srv/go"), "");
    const second = await start();
    await ran("kheish runs wait run-1 --timeout 60");
    const keys = (await calls()).map(({ invocation_key }) => invocation_key);
    expect(keys).toHaveLength(2);
    expect(keys[1]).toBe(keys[0]);
    await kill(second);

    await start();
    expect(await ran("kheish runs get run-1")).toContain("completed");
    const letters = JSON.parse(await ran("kheish runtime hooks dead-letter")) as object[];
    expect(letters).toMatchObject([{ hook_name: "guard", failure_mode: "closed", run_id: "run-1" }]);
    expect((await calls()).length, "what was decided is not asked again").toBe(2);
  });
});
