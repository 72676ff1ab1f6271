import { describe, expect, it } from "vitest";
import { TABLE } from "./commands.fixture.ts";
import { readShell } from "./read.ts";
import { shownShell } from "./shown.fixture.ts";

describe("03-A7 the words that a rule sees of a command", () => {
  it.each(TABLE.map(([command, ...seen]) => ({ command, seen })))("$command", ({ command, seen }) => {
    expect(shownShell(readShell(command))).toEqual(seen);
  });

  it("are shown for more than 150 commands", () => {
    expect(TABLE.length).toBeGreaterThan(250);
  });
});

describe("a command that nobody can read", () => {
  it.each([
    ["holds control characters", "echo a\u0000b"],
    ["holds control characters", "echo a\rrm x"],
    ["is too long", `echo ${"a".repeat(70_000)}`],
    ["runs too many others", "true;".repeat(3_000)],
  ])("%s", (why, command) => {
    expect(readShell(command).unclear).toContain(why);
  });

  it("goes too deep", () => {
    let command = "rm x";
    for (let depth = 0; depth < 12; depth++) command = `sh -c ${JSON.stringify(command)}`;
    expect(readShell(command).unclear).toBe("commands within commands go too deep");
    expect(readShell(`${"$(".repeat(5_000)}rm x${")".repeat(5_000)}`).unclear).toBeDefined();
  });
});
