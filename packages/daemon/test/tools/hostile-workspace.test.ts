import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Json, JsonObject } from "@kheish/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tool, ToolContext } from "../../src/engine/index.ts";
import { createBuiltinTools } from "../../src/tools/index.ts";
import { contextAt } from "../../src/tools/testing/context.ts";
import { type Attempt, attempts, type Expected } from "./hostile-attempts.ts";
import { CANARY, HostileScene, IS_ROOT } from "./hostile-scene.ts";

/*
 * Everything that a workspace can hold or a path can say, tried on every tool that takes a path. What a refusal says is
 * typed and holds no path of the host; a call that is not refused stays in the workspace; none hangs; none leaves
 * anything half-done. As root a file without any permission is read and one without write permission is replaced; for
 * everybody else both are refused: the table says both.
 */

const port = createBuiltinTools({ hostEnv: { PATH: process.env.PATH, [CANARY]: CANARY } });
const LONGEST_MS = 60_000;

/** How each tool that takes a path is given one, and what it makes of it. */
const TOOLS: Record<string, { input: (path: string) => Json; expected: (attempt: Attempt) => Expected }> = {
  read_file: { input: (path) => ({ path, include_base64: true }), expected: ({ read }) => read },
  write_file: { input: (path) => ({ path, content: "a" }), expected: ({ write }) => write },
  edit_file: {
    input: (path) => ({ path, old_text: "a", new_text: "a!" }),
    expected: ({ edit }) => edit,
  },
  apply_patch: {
    input: (path) => ({
      hunks: [
        { path: "ok.txt", old_text: "fine", new_text: "fine!" },
        { path, old_text: "a", new_text: "a!" },
      ],
    }),
    expected: ({ edit }) => edit,
  },
  list_files: { input: (base) => ({ base }), expected: ({ tree }) => tree },
  glob_search: { input: (base) => ({ base, pattern: "**" }), expected: ({ tree }) => tree },
  grep_search: {
    input: (base) => ({ base, pattern: `${CANARY}|a` }),
    expected: ({ tree, grep }) => grep ?? tree,
  },
  bash: {
    input: (workdir) => ({ workdir, command: "cat secret inner.txt 2>/dev/null; true" }),
    expected: ({ tree }) => tree,
  },
};

/** Fields by which tools take paths; what else may lead somewhere has a table of its own below. */
const PATH_FIELDS = ["path", "base", "workdir", "cwd", "hunks", "paths", "file", "directory"];

const WRITING = ["write_file", "edit_file", "apply_patch"];

let scene: HostileScene;
async function freshScene(): Promise<void> {
  await scene?.remove();
  scene = await HostileScene.build();
}
afterAll(() => scene.remove());

function tool(name: string): Tool {
  const found = port.get(name);
  if (found === undefined) throw new Error(`no tool '${name}'`);
  return found;
}

interface Answer {
  isError: boolean;
  output: JsonObject;
  text: string;
}

/** As the engine calls it: parsed first, and told to stop when its time is up. */
async function attempt(name: string, input: Json, more: Partial<ToolContext> = {}): Promise<Answer> {
  const { signal, done } = withinLimit(Math.min(LONGEST_MS, tool(name).timeoutMs));
  try {
    const parsed = tool(name).parse(input);
    if (!parsed.ok) return { isError: true, output: { error: parsed.error }, text: parsed.error };
    const outcome = await tool(name).execute(parsed.input, { ...contextAt(scene.root), ...more, signal });
    if (outcome.kind !== "result") throw new Error(`${name} answered ${outcome.kind}`);
    const output = outcome.output as JsonObject;
    return { isError: outcome.is_error, output, text: JSON.stringify(output) };
  } finally {
    done();
  }
}

function withinLimit(limitMs: number): { signal: AbortSignal; done: () => void } {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error("took too long")), limitMs);
  return { signal: stop.signal, done: () => clearTimeout(timer) };
}

function isRefused({ isError, output: { error } }: Answer, words: RegExp): boolean {
  return isError && typeof error === "string" && words.test(error);
}

/** Also as base64, as the secret files begin, and as a variable of the daemon's environment. */
function leaks({ text }: Answer): boolean {
  const secrets = [`${CANARY} a`, `${CANARY}=`, Buffer.from(CANARY).toString("base64").slice(0, 8)];
  return secrets.some((secret) => text.includes(secret));
}

test("every tool that takes a path is tried", () => {
  const takes = port.all().filter(({ input_schema: schema }) => {
    const fields = Object.keys((schema.properties ?? {}) as object);
    return fields.some((field) => PATH_FIELDS.includes(field));
  });
  expect(takes.map(({ name }) => name)).toEqual(Object.keys(TOOLS).sort());
});

describe.each(Object.keys(TOOLS))("03-R9, 03-R10: a hostile workspace and %s", (name) => {
  beforeAll(freshScene);

  test("each attempt is refused in words or stays inside, and is never half-done", async () => {
    const { input, expected } = TOOLS[name] as (typeof TOOLS)[string];
    const all = attempts(scene.root).filter(({ needs }) => needs === undefined || scene.has(needs));
    expect(all.length).toBeGreaterThan(130);
    const outside = scene.snapshot("outside");
    let before = scene.snapshot("workspace");
    const wrong: object[] = [];
    for (const one of all) {
      const wanted = expected(one);
      const answer = await attempt(name, input(one.path));
      const after = scene.snapshot("workspace");
      const found = {
        saidSo: wanted === "fine" ? !answer.isError : isRefused(answer, wanted),
        namesTheHost: wanted !== "fine" && !one.path.startsWith("/") && answer.text.includes(scene.outside),
        leaks: leaks(answer),
        changedOutside: !isDeepStrictEqual(scene.snapshot("outside"), outside),
        changedInside: !isDeepStrictEqual(after, before),
        leftBehind: after.some((line) => line.includes("/.kheish-")),
      };
      const right = {
        saidSo: true,
        namesTheHost: false,
        leaks: false,
        changedOutside: false,
        changedInside: wanted === "fine" && WRITING.includes(name),
        leftBehind: false,
      };
      if (!isDeepStrictEqual(found, right)) {
        wrong.push({ path: one.path.slice(0, 80), wanted, answer: answer.text.slice(0, 200), found });
      }
      before = after;
    }
    expect(wrong).toEqual([]);
  });
});

describe("what else may lead somewhere", () => {
  beforeAll(freshScene);

  const patterns: [string, RegExp | "nothing"][] = [
    ["../*", /use 'base'/],
    ["../**", /use 'base'/],
    ["dir/../../*", /use 'base'/],
    ["/etc/*", /relative to 'base'/],
    ["/**", /relative to 'base'/],
    ["", /\$\.pattern/],
    ["x".repeat(1_001), /\$\.pattern/],
    ["[", /invalid pattern/],
    ["(", /invalid pattern/],
    ["{..,x}/secret", "nothing"],
    ["@(..)/secret", "nothing"],
    ["?(.)?(.)/secret", "nothing"],
    ["[.][.]/secret", "nothing"],
    ["\\.\\./secret", "nothing"],
    ["..\\/secret", "nothing"],
    ["**/secret", "nothing"],
    ["**/link-dir/**", "nothing"],
    ["link-proc/**", "nothing"],
    ["~/**", "nothing"],
    ["\0", "nothing"],
    ["!(*", /invalid pattern|nothing/],
    ["+(+(+(+(a))))b/x", "nothing"],
  ];

  test.each(patterns)("the glob %j", async (pattern, expected) => {
    const answer = await attempt("glob_search", { pattern });
    expect(leaks(answer)).toBe(false);
    if (expected === "nothing") expect(answer.output).toMatchObject({ paths: [] });
    else if (answer.isError) expect(answer.output.error).toMatch(expected);
    else expect(answer.output.paths).toEqual([]);
  });

  test("a search goes past what it cannot read, and counts it", async () => {
    const listed = await attempt("list_files", {});
    const { paths, skipped } = listed.output as { paths: string[]; skipped: Record<string, number> };
    expect(paths).toContain("new\nline");
    expect(paths).toContain("-rf");
    expect(paths.filter((path) => path.includes("link-") || path.includes("secret"))).toEqual([]);
    // The name that is not UTF-8, and the end of what is too deep.
    expect(skipped).toMatchObject({ unreadable: 2, symlinks: 61 });
    expect(skipped.not_regular).toBeGreaterThanOrEqual(2);

    const found = await attempt("grep_search", { pattern: "a" });
    expect(found.output.skipped).toMatchObject({ too_large: 1, binary: 1, unreadable: IS_ROOT ? 2 : 3 });
  });

  test("a file of 10 GB answers what was asked of it, without a digest that would take too long", async () => {
    const limits = { ...contextAt(scene.root).limits, max_timeout_ms: 500 };
    const { output } = await attempt("read_file", { path: "huge" }, { limits });
    expect(output).toMatchObject({
      binary: true,
      truncated: true,
      size_bytes: 10 * 1024 ** 3,
      bytes_read: 131_072,
      sha256: null,
    });
  });

  test("a file that grows while it is read is read as it was, by every tool", async () => {
    const path = join(scene.root, "grows");
    writeFileSync(path, "a\n");
    const writer = spawn(
      "/bin/bash",
      ["-c", 'echo ready; while :; do printf "%064d\\n" 1; done >>"$1"', "bash", path],
      {
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    try {
      await once(writer.stdout, "data");
      for (let round = 0; round < 8; round++) {
        const read = await attempt("read_file", { path: "grows", line_count: 1 });
        expect(read, read.text).toMatchObject({ isError: false, output: { content: "a\n" } });
        const found = await attempt("grep_search", { pattern: "^a$", base: "grows" });
        expect(found.isError).toBe(false);
      }
      const edited = await attempt("apply_patch", {
        hunks: [
          { path: "ok.txt", old_text: "fine", new_text: "changed" },
          { path: "grows", old_text: "a\n", new_text: "b\n" },
        ],
      });
      expect(edited.output.error).toMatch(/changed by somebody else|files up to/);
      expect(readFileSync(join(scene.root, "ok.txt"), "utf8")).toBe("fine\n");
      expect(existsSync(join(scene.root, "grows"))).toBe(true);
    } finally {
      writer.kill("SIGKILL");
      await once(writer, "close");
    }
  });
});
