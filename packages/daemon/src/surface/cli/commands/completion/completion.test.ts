import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { kheish } from "../../testing/run-cli.ts";

/** What bash offers after the words of a command line, the last of which is being typed. */
function offered(script: string, words: readonly string[]): string[] {
  const program = `${script}
COMP_WORDS=(kheish ${words.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${words.length}
_kheish
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", program], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.trim().split("\n");
}

describe("completion", () => {
  it.each([
    [["r"], ["runs", "runtime", "restore"]],
    [
      ["runs", "w"],
      ["watch", "wait"],
    ],
    [["--base-url", "http://x", "run", "stream", "--u"], ["--until"]],
    [["runs", "stream", "run-1", "--until", ""], ["terminal"]],
    [
      ["runs", "list", "--output", ""],
      ["pretty", "json"],
    ],
    [["sessions", "input", "s1", "--reasoning-e"], ["--reasoning-effort"]],
    [["completion", "z"], ["zsh"]],
  ])("of %j in bash", async (words, expected) => {
    const { code, stdout } = await kheish(["completion", "bash"]);
    expect(code).toBe(0);
    expect(offered(stdout, words)).toEqual(expected);
  });

  it.each(["zsh", "fish"])("in %s names every command", async (shell) => {
    const { stdout } = await kheish(["completion", shell]);
    for (const path of ["approvals allow-all", "doctor routes", "question answer", "runs debug-artifact"]) {
      expect(stdout).toContain(`'${path}'`);
    }
  });

  it("knows no other shell", async () => {
    expect((await kheish(["completion", "tcsh"])).code).toBe(2);
  });
});
