import { spawnSync } from "node:child_process";
import { copyFile, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const bin = fileURLToPath(new URL("../../../bin/kheish.js", import.meta.url));

function run(node: string, script: string, ...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(node, [script, ...argv], { encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("the bin", () => {
  it("runs the source", () => {
    expect(run(process.execPath, bin, "--version")).toEqual({ status: 0, stdout: "0.1.0\n", stderr: "" });
  });

  it("carries exit codes", () => {
    const result = run(process.execPath, bin, "status", "--base-url", "nonsense");
    expect(result).toMatchObject({ status: 2, stdout: "" });
  });
});

/** The system's Node, where it is too old for the source. */
const older = ["/usr/bin/node", "/usr/local/bin/node"].find((node) => {
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout ?? "";
  return /^v(1\d|2[0-3])\./.test(version);
});

describe.runIf(older !== undefined)("the bin, run by an older Node", () => {
  const node = older ?? process.execPath;

  it("hands over to the pinned one", () => {
    expect(run(node, bin, "--version")).toEqual({ status: 0, stdout: "0.1.0\n", stderr: "" });
    expect(run(node, bin, "nope").status).toBe(2);
  });

  it("says what it needs where none is pinned", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kheish-bin-"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await copyFile(bin, join(folder, "kheish.js"));
    const { status, stderr } = run(node, join(folder, "kheish.js"), "--version");
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Error: kheish needs Node 24 or newer; this is v\d+\.\d+\.\d+\n$/);
  });
});
