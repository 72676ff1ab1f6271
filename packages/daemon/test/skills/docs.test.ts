import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, isHealthy, Machine } from "../runbooks/support/machine.ts";
import { performExactly } from "../runbooks/support/perform.ts";

const missing = ["bash", "jq", "openssl"].filter((program) => !has(program));

describe.skipIf(missing.length > 0)("docs/skills.md", () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.create();
    await mkdir(join(machine.root, "etc/kheish"));
    const places = "--state-root /var/lib/kheish/state --workspace-root /srv/kheish";
    await machine.start(`kheish serve --bind 127.0.0.1:4000 ${places} --log-level error`, () =>
      isHealthy(machine),
    );
  });
  afterAll(() => machine.remove());

  test("each of its commands does what the page says", async () => {
    expect(await performExactly(machine, "../skills.md")).toBeGreaterThan(20);
  }, 180_000);
});
