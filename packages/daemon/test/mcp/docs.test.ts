import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, type Machine } from "../runbooks/support/machine.ts";
import { performExactly } from "../runbooks/support/perform.ts";
import { machineWithService } from "../runbooks/support/service.ts";
import { serverProgram } from "./support.ts";

const missing = ["bash", "curl", "jq", "paste", "setsid"].filter((program) => !has(program));

describe.skipIf(missing.length > 0)("docs/mcp.md", () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await machineWithService();
    for (const name of ["filesystem", "everything"] as const) {
      const program = `#!/bin/sh\nexec '${process.execPath}' '${serverProgram(name)}' "$@"\n`;
      await writeFile(join(machine.root, "bin", `mcp-server-${name}`), program, { mode: 0o755 });
    }
    await machine.run({ command: "systemctl start kheish" });
  });
  afterAll(async () => {
    await machine.run({ command: "systemctl stop kheish" });
    await machine.remove();
  });

  test("each of its commands does what the page says", async () => {
    expect(await performExactly(machine, "../mcp.md")).toBeGreaterThan(6);
  });
});
