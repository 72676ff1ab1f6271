import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const BIN = fileURLToPath(new URL("../../bin/kheish.js", import.meta.url));
/** Gives a command a terminal. */
const SCRIPT = "/usr/bin/script";

test.runIf(existsSync(SCRIPT))(
  "Ctrl-C ends the demo on a terminal, its daemon, and what it had written",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "kheish-demo-test-"));
    const command = `'${process.execPath}' '${BIN}' demo --simulator`;
    const demo = spawn(SCRIPT, ["-qec", command, "/dev/null"], { env: { ...process.env, TMPDIR: folder } });
    let said = "";
    demo.stdout.on("data", (chunk) => {
      const had = said.includes("watch it in the console");
      said += String(chunk);
      if (!had && said.includes("watch it in the console")) demo.stdin.write("\x03");
    });
    const [code] = await once(demo, "exit");
    expect(said).toContain("stopped, with its daemon");
    expect(said).not.toContain("Error");
    expect(code).toBe(130);
    const pid = Number(/daemon (\d+) at/.exec(said)?.[1]);
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    expect((await readdir(folder)).filter((name) => name.startsWith("kheish-demo-"))).toEqual([]);
    await rm(folder, { recursive: true });
  },
);

test("the demo says which flags it has, and takes no others", async () => {
  const demo = spawn(process.execPath, [BIN, "demo", "--nope"]);
  let said = "";
  demo.stderr.on("data", (chunk) => {
    said += String(chunk);
  });
  const [code] = await once(demo, "close");
  expect(code).toBe(2);
  expect(said).toContain("unknown option '--nope'");
});
