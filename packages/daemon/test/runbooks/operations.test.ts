import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, type Machine } from "./support/machine.ts";
import { performPage } from "./support/perform.ts";
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

/** A route whose key is in a slot; a session with history, and a run of it that waits for an approval. */
const BEFORE = [
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
    expect(await performPage(machine, page)).toBeGreaterThan(0);
  }, 180_000);
});
