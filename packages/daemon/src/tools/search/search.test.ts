import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { DEFAULT_TOOL_LIMITS } from "../../engine/ports.ts";
import { Slots } from "../slots.ts";
import { contextOf, fail, mismatch, succeed, useWorkspace } from "../testing/harness.ts";
import { search } from "./engine.ts";
import type { GrepMatch, SearchRequest } from "./protocol.ts";
import { globSearchTool, grepSearchTool, listFilesTool } from "./tools.ts";

const workspace = useWorkspace();
const threads = new Slots(2);
const glob = globSearchTool(threads);
const grep = grepSearchTool(threads);
const list = listFilesTool(threads);
const fill = (...paths: string[]) => {
  for (const path of paths) workspace.write(path, path);
};

/** The engine itself, without its thread: most rules are tested here. */
function run(request: Partial<SearchRequest> & Pick<SearchRequest, "kind" | "pattern">) {
  const items: (string | GrepMatch)[] = [];
  const end = search(
    { root: workspace.root, base: ".", baseKind: "directory", limit: 200, ...request },
    (item) => items.push(item),
  );
  return { items, ...end };
}
const paths = (pattern: string, base = ".") => run({ kind: "glob", pattern, base }).items;
const lines = (pattern: string) =>
  run({ kind: "grep", pattern }).items.map((item) =>
    typeof item === "string" ? item : `${item.path}:${item.line}`,
  );

describe("the search engine", () => {
  it("03-R16: lists in the order of the paths, whatever the disk says", () => {
    fill("b", "a/z", "a-b", "a0", "a/b/c", "A", "é", ".hidden", "a.b");
    expect(paths("**")).toEqual([...paths("**")].sort());
    expect(paths("**")).toEqual([".hidden", "A", "a-b", "a.b", "a/b/c", "a/z", "a0", "b", "é"]);
  });

  it("matches a glob without a slash against names, and one with a slash against paths below the base", () => {
    fill("x.ts", "src/x.ts", "src/deep/x.ts", "src/x.js", "src/.x.ts");
    expect(paths("*.ts")).toEqual(["src/.x.ts", "src/deep/x.ts", "src/x.ts", "x.ts"]);
    expect(paths("src/*.ts")).toEqual(["src/.x.ts", "src/x.ts"]);
    expect(paths("./src/**/x.{ts,js}")).toEqual(["src/deep/x.ts", "src/x.js", "src/x.ts"]);
    expect(paths("deep/*", "src")).toEqual(["src/deep/x.ts"]);
    expect(paths("[!x].ts")).toEqual([]);
    expect(paths("[!y].ts", "src/deep")).toEqual(["src/deep/x.ts"]);
    expect(paths("[[:alpha:]].js")).toEqual(["src/x.js"]);
  });

  it("takes names as they are: newlines, dashes, unicode", () => {
    fill("new\nline/a\nb.txt", "-rf", "--help", "日本/😀.txt");
    expect(paths("**/*.txt")).toEqual(["new\nline/a\nb.txt", "日本/😀.txt"]);
    expect(paths("**")).toContain("new\nline/a\nb.txt");
    expect(paths("-*")).toEqual(["--help", "-rf"]);
    expect(lines("^--help$")).toEqual(["--help:1"]);
  });

  it("leaves out .git and node_modules on the way, and counts them", () => {
    fill(".git/config", "node_modules/a/b", "src/node_modules/c", "src/d", ".gitignore");
    const { items, skipped } = run({ kind: "glob", pattern: "**" });
    expect(items).toEqual([".gitignore", "src/d"]);
    expect(skipped).toEqual({ ignored_directories: 3 });
    expect(paths("**", "node_modules/a")).toEqual(["node_modules/a/b"]);
  });

  it("matches lines by regular expression", () => {
    workspace.write("a", "\u{feff}first\r\nsecond line\n\nTHIRD 😀é");
    expect(lines("^first$")).toEqual(["a:1"]);
    expect(lines("^$")).toEqual(["a:3"]);
    expect(lines("third")).toEqual([]);
    expect(lines("(?i)third")).toEqual(["a:4"]);
    expect(lines("THIRD .\\p{L}")).toEqual(["a:4"]);
    expect(lines("second\\ line")).toEqual(["a:2"]);
  });

  it("shows a long line around its match, between characters", () => {
    workspace.write("a", `${"😀".repeat(5000)}needle${"😀".repeat(5000)}`);
    const [match] = run({ kind: "grep", pattern: "needle" }).items;
    expect(match).toMatchObject({ path: "a", line: 1, text_truncated: true });
    const { text } = match as GrepMatch;
    expect(text.length).toBeLessThanOrEqual(500);
    expect(text).toContain("needle");
    expect(text.isWellFormed()).toBe(true);
  });

  it("counts what it does not search: binary, too large, links, FIFOs", () => {
    fill("text");
    workspace.write("bin", Buffer.from("text\0"));
    workspace.write("latin", Buffer.from([0x74, 0x65, 0x78, 0x74, 0xe9]));
    workspace.write("large", "text\n".repeat(2 * 1024 * 1024));
    workspace.fifo("fifo");
    writeFileSync(join(workspace.outside, "secret"), "text");
    symlinkSync(join(workspace.outside, "secret"), join(workspace.root, "out"));
    symlinkSync(workspace.outside, join(workspace.root, "outdir"));
    symlinkSync(".", join(workspace.root, "circle"));
    expect(run({ kind: "grep", pattern: "text" })).toEqual({
      items: [{ path: "text", line: 1, text: "text" }],
      truncated: false,
      skipped: { binary: 2, too_large: 1, symlinks: 3, not_regular: 1 },
    });
    expect(paths("**")).toEqual(["bin", "large", "latin", "text"]);
  });

  it("counts names that are not UTF-8 as unreadable", () => {
    writeFileSync(Buffer.concat([Buffer.from(`${workspace.root}/bad-`), Buffer.from([0xff])]), "text");
    fill("good");
    expect(run({ kind: "glob", pattern: "**" })).toEqual({
      items: ["good"],
      truncated: false,
      skipped: { unreadable: 1 },
    });
  });

  it("says that more would have been found only when that is so", () => {
    fill("a", "b", "c");
    expect(run({ kind: "glob", pattern: "*", limit: 2 })).toMatchObject({
      items: ["a", "b"],
      truncated: true,
    });
    expect(run({ kind: "glob", pattern: "*", limit: 3 })).toMatchObject({ truncated: false });
  });
});

describe("glob_search and grep_search", () => {
  const found = (tool: typeof glob, input: JsonObject) => succeed(tool, input, contextOf(workspace));

  it("answer with what was searched and what was found", async () => {
    fill("src/a.ts", "src/b.ts");
    expect(await found(glob, { pattern: "*.ts", base: "./src/" })).toEqual({
      base: "src",
      pattern: "*.ts",
      paths: ["src/a.ts", "src/b.ts"],
      truncated: false,
      skipped: {},
    });
    expect(await found(grep, { pattern: "b\\.ts$" })).toEqual({
      base: ".",
      pattern: "b\\.ts$",
      matches: [{ path: "src/b.ts", line: 1, text: "src/b.ts" }],
      truncated: false,
      skipped: {},
    });
    expect(await found(grep, { pattern: "src", base: "src/a.ts" })).toMatchObject({
      matches: [{ path: "src/a.ts" }],
    });
  });

  it("03-R16: list_files lists what glob_search would find, in the same order", async () => {
    fill("src/b.ts", "src/a.ts", "a", ".hidden", "node_modules/x/y");
    expect(await found(list, {})).toEqual({
      base: ".",
      paths: [".hidden", "a", "src/a.ts", "src/b.ts"],
      truncated: false,
      skipped: { ignored_directories: 1 },
    });
    expect(await found(list, { base: "src/", limit: 1 })).toMatchObject({
      base: "src",
      paths: ["src/a.ts"],
      truncated: true,
    });
    expect(await fail(list, { base: "a" }, contextOf(workspace))).toBe("'a' is a file, not a directory");
    expect(mismatch(list, { pattern: "*" })).toContain("unknown field 'pattern'");
  });

  it("03-R16: return at most 200 results, however many are asked for", async () => {
    workspace.write("many", "x\n".repeat(300));
    const output = await found(grep, { pattern: "x", limit: 100_000 });
    expect(output.matches).toHaveLength(200);
    expect(output.truncated).toBe(true);
    expect(await found(grep, { pattern: "x", limit: 1 })).toMatchObject({ truncated: true });
    expect(mismatch(grep, { pattern: "x", limit: 0 })).toContain("$.limit");
  });

  it("refuse a pattern that is none, in place of searching for something else", async () => {
    expect(mismatch(grep, { pattern: "(" })).toMatch(/^Invalid input at \$\.pattern: .*Unterminated group/);
    expect(mismatch(grep, { pattern: "\\p{Nope}" })).toContain("$.pattern");
    expect(mismatch(grep, { pattern: "" })).toContain("$.pattern");
    expect(mismatch(glob, { pattern: "/etc/*" })).toContain("relative to 'base'");
    expect(mismatch(glob, { pattern: "a/../*" })).toContain("use 'base'");
    expect(await fail(glob, { pattern: "[a" }, contextOf(workspace))).toMatch(/^invalid pattern: .*closing/);
  });

  it("03-R9: refuse a base outside, through whatever it leads out", async () => {
    mkdirSync(join(workspace.outside, "other"));
    writeFileSync(join(workspace.outside, "other", "secret"), "s");
    symlinkSync(join(workspace.outside, "other"), join(workspace.root, "out"));
    workspace.fifo("fifo");
    fill("dir/a");
    symlinkSync("dir", join(workspace.root, "in"));
    for (const tool of [glob, grep]) {
      const refusal = (base: string) => fail(tool, { pattern: "s", base }, contextOf(workspace));
      expect(await refusal("..")).toContain("above the workspace root");
      expect(await refusal("/etc")).toContain("outside the workspace");
      expect(await refusal("out")).toContain("leads out of the workspace");
      expect(await refusal("missing")).toContain("no such file");
      expect(await refusal("fifo")).toContain("not a regular file");
    }
    expect(await fail(glob, { pattern: "*", base: "dir/a" }, contextOf(workspace))).toContain("is a file");
    expect(await found(glob, { pattern: "*", base: "in" })).toMatchObject({ base: "dir", paths: ["dir/a"] });
  });

  it("a hostile pattern ends when time is up, with what was found so far, and blocks nobody", async () => {
    workspace.write("a", "aaaa!");
    workspace.write("b", `${"a".repeat(64)}!`);
    let output: JsonObject = {};
    // The first budget may be over before a busy machine has started the thread.
    for (const max_timeout_ms of [300, 2_000, 10_000]) {
      const limits = { ...DEFAULT_TOOL_LIMITS, max_timeout_ms };
      output = await succeed(grep, { pattern: "^(a+)+$|aaaa!$" }, contextOf(workspace, { limits }));
      expect(output).toMatchObject({ truncated: true, timed_out: true });
      if (JSON.stringify(output.matches) !== "[]") break;
    }
    expect(output.matches).toEqual([{ path: "a", line: 1, text: "aaaa!" }]);
  });

  it("stop at once when the call is stopped", async () => {
    workspace.write("b", `${"a".repeat(64)}!`);
    const stop = new AbortController();
    const searching = fail(grep, { pattern: "^(a+)+$" }, contextOf(workspace, { signal: stop.signal }));
    setImmediate(() => stop.abort());
    expect(await searching).toContain("stopped");
  });
});
