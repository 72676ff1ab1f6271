import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type ChaosOptions, parseOptions } from "./options.ts";

const CLI = fileURLToPath(new URL("./cli.ts", import.meta.url));

function parse(...argv: string[]): { said: string; options?: ChaosOptions } {
  let said = "";
  const write = (text: string) => {
    said += text;
  };
  try {
    const { options } = parseOptions(argv, { writeErr: write, writeOut: write });
    return { said, options };
  } catch {
    return { said };
  }
}

describe("the command line of chaos", () => {
  test("has a default for everything, and a seed of its own each time", () => {
    const { options } = parse();
    expect(options).toMatchObject({ runs: 200, kills: 20, store: "sqlite", loseAcks: 0, faults: [] });
    expect(parse().options?.seed).not.toBe(options?.seed);
  });

  test.each([
    ["sqlite", ["disk-full", "clock-step"]],
    ["postgres", ["postgres-restart", "clock-step", "cut-network"]],
  ])("--fault all is what %s can meet", (store, faults) => {
    expect(parse("--fault", "all", "--store", store).options?.faults).toEqual(faults);
  });

  test.each([
    [["--runs", "many"], "whole number from 1"],
    [["--runs", "0"], "whole number from 1"],
    [["--kills", "-1"], "whole number from 0"],
    [["--lose-acks", "1.5"], "from 0 to 1"],
    [["--store", "oracle"], "sqlite, postgres"],
    [["--fault", "flood"], "postgres-restart"],
    [["--fault", "postgres-restart", "--store", "sqlite"], "makes no sense with --store sqlite"],
    [["--fault", "disk-full", "--store", "postgres"], "makes no sense with --store postgres"],
    [["--scenario", "sigterm", "--kills", "3"], "leave out --kills"],
    [["--scenario", "sigterm", "--fault", "all"], "only clock-step"],
    [["--scenario", "governed", "--fault", "clock-step"], "kills only"],
    [["--scenario", "mcp", "--lose-acks", "0.1"], "kills only"],
    [["--scenario", "tasks", "--fault", "all"], "kills only"],
    [["--unheard-of"], "unknown option"],
    [["extra"], "too many arguments"],
  ])("refuses %j with what is allowed", (argv, words) => {
    expect(parse(...argv)).toEqual({ said: expect.stringContaining(words) });
  });

  test("a usage error ends with 2", () => {
    const { status, stderr } = spawnSync(process.execPath, [CLI, "--fault", "flood"], { encoding: "utf8" });
    expect([status, stderr]).toEqual([2, expect.stringContaining("Allowed choices")]);
  });
});
