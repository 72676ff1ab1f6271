import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { fits } from "../match.ts";
import { seenIn } from "../seen.ts";
import { TABLE } from "./commands.fixture.ts";

/**
 * The other reader of commands is bash itself. It runs them where no program is to be found, and notes what it would
 * have started: a rule that denies just those words must have seen them coming.
 */
const BASH = "/bin/bash";
const hasBash = spawnSync(BASH, ["-c", "true"]).status === 0;
const root = mkdtempSync(join(tmpdir(), "kheish-bash-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const NOTE = 'command_not_found_handle() { printf "%s\\0" "$#" "$@" >> "$NOTES"; }\n';

/** What bash starts, each with its words. */
function started(command: string): string[][] {
  const place = mkdtempSync(join(root, "run-"));
  const notes = join(place, "notes");
  const work = join(place, "work");
  mkdirSync(work);
  writeFileSync(notes, "");
  const env = {
    PATH: join(place, "nothing"),
    NOTES: notes,
    HOME: work,
    X: "x",
    SUB: "push",
    F: "file",
    OUT: "out",
  };
  spawnSync(BASH, ["--norc", "--noprofile", "-c", NOTE + command], {
    cwd: work,
    env,
    timeout: 1_000,
    stdio: "ignore",
  });
  const words = readFileSync(notes, "utf8").split("\0");
  const all: string[][] = [];
  for (let at = 0; at < words.length - 1; ) {
    const count = Number(words[at]);
    all.push(words.slice(at + 1, at + 1 + count));
    at += 1 + count;
  }
  return all;
}

function isDenied(command: string, argv: readonly string[]): boolean {
  const pattern = argv.map((word) => word.replaceAll(/[\\*]/g, "\\$&"));
  const seen = seenIn({ id: "c", name: "bash", input: { command } }, "/work");
  return fits({ command: [{ argv: pattern }] }, seen, "possibly");
}

/** What is named by its path would be started, and what asks the network would ask it. */
const harmless = ([command]: readonly string[]) => !/\/bin\/|\/dev\/tcp|^\.|\.\//.test(command ?? "");

describe.skipIf(!hasBash)("03-A7 what bash starts has been seen (needs bash)", () => {
  it("of every command of the table", () => {
    const all = TABLE.filter(harmless).flatMap(([command]) =>
      started(command).map((argv) => ({ command, argv })),
    );
    const missed = all.filter(({ command, argv }) => argv[0] !== "" && !isDenied(command, argv));
    expect(all.length, "enough is started").toBeGreaterThan(200);
    expect(missed).toEqual([]);
  });

  const word = fc.constantFrom(
    "a",
    "'b c'",
    '"d"',
    "$X",
    '"$X"',
    "e\\ f",
    "{g,h}",
    "*",
    "$(one)",
    "`two`",
    '"$(three x)"',
    "<(four)",
    "i#j",
  );
  const simple = fc
    .tuple(
      fc.constantFrom("rm", "git", "'rm'", "r\\m", "V=1 rm", "echo", "eval rm", "command rm"),
      fc.array(word, { maxLength: 3 }),
    )
    .map(([name, args]) => [name, ...args].join(" "));
  const { text } = fc.letrec<{ text: string }>((tie) => ({
    text: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      simple,
      fc
        .tuple(tie("text"), fc.constantFrom(" && ", " || ", "; ", " | ", "\n", " |& ", " & "), tie("text"))
        .map((parts) => parts.join("")),
      tie("text").map((inner) => `( ${inner} )`),
      tie("text").map((inner) => `{ ${inner}\n}`),
      tie("text").map((inner) => `if ${inner}\nthen :\nelse ${inner}\nfi`),
      tie("text").map((inner) => `for f in a "$(${inner})"\ndo ${inner}\ndone`),
      tie("text").map((inner) => `echo "$(${inner}\n)" # ${inner.replaceAll("\n", " ")}`),
      tie("text").map((inner) => `f() { ${inner}\n}\nf x`),
      tie("text").map((inner) => `case a in\na) ${inner}\n;;\nesac`),
      tie("text").map((inner) => `cat << EOF\n$(${inner}\n)\nEOF`),
      tie("text").map(
        (inner) => `eval ${JSON.stringify(inner).replaceAll(/[$`]/g, "\\$&").replaceAll("\\n", "\n")}`,
      ),
      tie("text").map((inner) => `[[ -n $(${inner}\n) ]] || ${inner}`),
      tie("text").map((inner) => `! ${inner}`),
    ),
  }));

  it("of commands that were made up of one another", () => {
    fc.assert(
      fc.property(text, (command) => {
        for (const argv of started(command))
          if (!isDenied(command, argv)) throw new Error(`bash starts ${JSON.stringify(argv)}`);
      }),
      { numRuns: 120 },
    );
  }, 180_000);
});
