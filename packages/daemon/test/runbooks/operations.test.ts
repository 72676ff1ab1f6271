import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, type Machine } from "./support/machine.ts";
import { runbook, type Step, stepsOf } from "./support/runbook.ts";
import { machineWithService } from "./support/service.ts";

const PAGES = [
  "slo.md",
  "metrics.md",
  "backup-and-restore.md",
  "restore-drill.md",
  "rotation.md",
  "incident.md",
  "no-leak.md",
];
const needed = ["bash", "curl", "jq", "openssl", "setsid", "sha256sum", "tar"];
const missing = needed.filter((program) => !has(program));

type Act = { does: "run" | "serve"; step: Step } | { does: "stop" };

/** A page as what an operator does, one after the other. */
function actsOf(page: string): Act[] {
  return runbook(page).flatMap(({ info, text }): Act[] => {
    const steps = stepsOf(text);
    if (info === "sh serve") return steps.map((step) => ({ does: "serve", step }));
    if (info !== "sh" && info !== "sh stop") return [];
    const run = steps.map((step): Act => ({ does: "run", step }));
    return info === "sh stop" ? [{ does: "stop" }, ...run] : run;
  });
}

/** A route whose key is in a slot; a session with history, and a run of it that waits for an approval. */
const BEFORE = [
  "sh -c 'umask 077; kheish secrets generate > /etc/kheish/auth-store-master-key'",
  "sh -c 'umask 077; kheish secrets generate > /etc/kheish/openai-key'",
  `printf 'default_route = "simulator"\\n[routes.simulator]\\ndriver = "simulator"\\n[routes.openai]\\ndriver = "openai"\\ndefault_model = "gpt-5.4"\\nauth_ref = "openai.prod"\\n' > /etc/kheish/routes.toml`,
  "KHEISH_AUTH_STORE_MASTER_KEY_FILE=/etc/kheish/auth-store-master-key kheish secrets set openai.prod --provider openai --value first-key-of-openai --offline --state-root /var/lib/kheish/state",
  "systemctl start kheish",
  "kheish sessions create billing",
  `kheish sessions input billing '{"simulate":[{"text":"the invoices are done"}]}'`,
  `kheish sessions input billing '{"simulate":[{"tool_calls":[{"name":"bash","input":{"command":"true"}}]},{"text":"x"}]}' || [ $? = 9 ]`,
];

describe.skipIf(missing.length > 0).each(PAGES)(`docs/operations/%s (needs ${needed.join(", ")})`, (page) => {
  let machine: Machine;
  let served: ChildProcess | undefined;
  beforeAll(async () => {
    machine = await machineWithService();
    for (const command of BEFORE) {
      const { exitCode, stderr } = await machine.run({ command });
      if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
    }
  });
  afterAll(async () => {
    await machine.run({ command: "systemctl stop kheish" });
    await machine.remove();
  });

  test("each of its commands does what the page says", async () => {
    const acts = actsOf(page);
    expect(acts.length).toBeGreaterThan(0);
    for (const act of acts) {
      if (act.does === "stop") {
        served?.kill("SIGTERM");
        if (served !== undefined) await once(served, "exit");
      } else if (act.does === "serve") {
        const url = machine.here("http://127.0.0.1:4100/readyz");
        served = await machine.start(act.step.command, async () => (await fetch(url)).ok);
      } else {
        await perform(machine, act.step);
      }
    }
  }, 180_000);
});

async function perform(
  machine: Machine,
  { command, expected = { stdout: "", exitCode: 0 } }: Step,
): Promise<void> {
  const ran = await machine.run({ command });
  const complaint = expected.exitCode === 0 ? "" : expect.any(String);
  expect({ command, exitCode: ran.exitCode, stderr: ran.stderr }).toEqual({
    command,
    exitCode: expected.exitCode,
    stderr: complaint,
  });
  if (expected.stdout !== "") expect(ran.stdout.trimEnd(), command).toBe(machine.here(expected.stdout));
}
