import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { sha256Hex } from "../bytes.ts";
import { faultyDisk } from "../testing/faulty-disk.ts";
import { call, contextOf, fail, mismatch, succeed, useWorkspace } from "../testing/harness.ts";
import { stagingName } from "../workspace/replace.ts";
import { editFileTool } from "./edit-file.ts";
import { traceEdit } from "./edit-history.ts";
import { applyEdit, occurrences } from "./edit-text.ts";

const workspace = useWorkspace();
const tool = editFileTool(new KeyedMutex());
const at = (path: string) => join(workspace.root, path);
const content = (path: string) => readFileSync(at(path), "utf8");

type Input = {
  path: string;
  old_text: string;
  new_text: string;
  replace_all?: boolean;
  expected_sha256?: string;
};
const edit = (input: Input) => succeed(tool, input, contextOf(workspace));
const refusal = (input: Input) => fail(tool, input, contextOf(workspace));

describe("edit_file", () => {
  it("replaces the one occurrence", async () => {
    workspace.write("a", "one two three");
    const input = { path: "./a", old_text: "two", new_text: "$& $1 zwei" };
    expect(await call(tool, input, contextOf(workspace))).toEqual({
      kind: "result",
      is_error: false,
      output: { path: "a", replacements: 1, sha256: sha256Hex("one $& $1 zwei three") },
      context_updates: [{ type: "file_modified", path: "a" }],
    });
    expect(content("a")).toBe("one $& $1 zwei three");
    expect(readdirSync(workspace.root)).toEqual(["a"]);
  });

  it("03-R11: does not take back what somebody else wrote while it was edited", async () => {
    workspace.write("a", "one two");
    // When the new content is written, another daemon, which has a lock of its own, is quicker.
    const restore = await faultyDisk((operation) => {
      if (operation === "sync") writeFileSync(at("a"), "one zwei");
      return undefined;
    });
    try {
      expect(await refusal({ path: "a", old_text: "one", new_text: "eins" })).toBe(
        "'a' was changed by somebody else while it was edited; read it again",
      );
    } finally {
      restore();
    }
    expect(content("a")).toBe("one zwei");
    expect(readdirSync(workspace.root)).toEqual(["a"]);
  });

  it("03-R13: fails when the text is absent, and changes nothing", async () => {
    workspace.write("a", "one");
    expect(await refusal({ path: "a", old_text: "two", new_text: "x" })).toBe(
      "old_text does not occur in 'a'",
    );
    expect(await refusal({ path: "missing", old_text: "two", new_text: "x" })).toContain("does not exist");
    expect(content("a")).toBe("one");
  });

  it("demands uniqueness, and says how many matches there are and where", async () => {
    workspace.write("a", "x\nfoo foo\n\nfoo\n");
    const outcome = await call(tool, { path: "a", old_text: "foo", new_text: "y" }, contextOf(workspace));
    expect(outcome).toMatchObject({
      is_error: true,
      output: {
        error: expect.stringContaining("occurs 3 times in 'a' (lines 2, 2, 4)"),
        match_count: 3,
        match_lines: [2, 2, 4],
      },
    });
    expect(await refusal({ path: "a", old_text: "o", new_text: "y" })).toContain("6 times");
    expect(content("a")).toBe("x\nfoo foo\n\nfoo\n");
  });

  it("counts overlapping occurrences as ambiguous", async () => {
    workspace.write("a", "aaa");
    expect(await refusal({ path: "a", old_text: "aa", new_text: "b" })).toContain("occurs 2 times");
  });

  it("03-R13: replaces every occurrence with replace_all", async () => {
    workspace.write("a", "aaa bab");
    expect(await edit({ path: "a", old_text: "a", new_text: "", replace_all: true })).toMatchObject({
      replacements: 4,
    });
    expect(content("a")).toBe(" bb");
  });

  it("refuses an empty old_text and an edit that changes nothing", () => {
    expect(mismatch(tool, { path: "a", old_text: "", new_text: "x" })).toContain(
      "$.old_text: must not be empty",
    );
    expect(mismatch(tool, { path: "a", old_text: "x", new_text: "x" })).toContain("nothing would change");
  });

  it("keeps mode, byte order mark and line ends", async () => {
    chmodSync(workspace.write("a.sh", "\u{feff}one\r\ntwo\r\n"), 0o755);
    await edit({ path: "a.sh", old_text: "two", new_text: "2" });
    expect(content("a.sh")).toBe("\u{feff}one\r\n2\r\n");
    expect(statSync(at("a.sh")).mode & 0o777).toBe(0o755);
  });

  it("says so when only the line ends differ", async () => {
    workspace.write("a", "one\r\ntwo\r\n");
    expect(await refusal({ path: "a", old_text: "one\ntwo", new_text: "x" })).toContain("CR LF");
  });

  it("03-R12: compares expected_sha256 before it changes anything", async () => {
    workspace.write("a", "one");
    const input = { path: "a", old_text: "one", new_text: "two" };
    expect(await refusal({ ...input, expected_sha256: sha256Hex("zero") })).toContain(
      "not what was expected",
    );
    expect(content("a")).toBe("one");
    await edit({ ...input, expected_sha256: sha256Hex("one") });
    expect(content("a")).toBe("two");
  });

  it("03-R13: refuses what is not UTF-8 or over 4 MiB, before or after", async () => {
    const MiB = 1024 * 1024;
    workspace.write("bin", Buffer.from([0x61, 0xff]));
    workspace.write("large", "x".repeat(4 * MiB + 1));
    workspace.write("grows", "x".repeat(2 * MiB));
    expect(await refusal({ path: "bin", old_text: "a", new_text: "b" })).toContain("not UTF-8");
    expect(await refusal({ path: "large", old_text: "x", new_text: "y" })).toContain("up to 4194304 bytes");
    const growth = { path: "grows", old_text: "x", new_text: "y".repeat(MiB), replace_all: true };
    expect(await refusal(growth)).toContain(`would have ${2 * MiB * MiB} bytes`);
  });

  it("03-R10: refuses links, directories and FIFOs", async () => {
    writeFileSync(join(workspace.outside, "secret"), "s");
    symlinkSync(join(workspace.outside, "secret"), at("out"));
    symlinkSync("..", at("up"));
    workspace.fifo("fifo");
    expect(await refusal({ path: "out", old_text: "s", new_text: "x" })).toBe("'out' is a symbolic link");
    expect(await refusal({ path: "up/secret", old_text: "s", new_text: "x" })).toContain("symbolic links");
    expect(await refusal({ path: "../secret", old_text: "s", new_text: "x" })).toContain("above");
    expect(await refusal({ path: ".", old_text: "s", new_text: "x" })).toContain("root");
    expect(await refusal({ path: "fifo", old_text: "s", new_text: "x" })).toContain("not a regular file");
    expect(readFileSync(join(workspace.outside, "secret"), "utf8")).toBe("s");
  });

  it("03-R11: edits of one file at the same time are all made", async () => {
    workspace.write("a", "1 2 3 4 5");
    await Promise.all(
      ["1", "2", "3", "4", "5"].map((digit) =>
        succeed(
          tool,
          { path: "a", old_text: digit, new_text: `<${digit}>` },
          contextOf(workspace, { idempotency_key: digit }),
        ),
      ),
    );
    expect(content("a")).toBe("<1> <2> <3> <4> <5>");
  });
});

describe("finding text", () => {
  const letters = fc.array(fc.constantFrom("a", "b"), { maxLength: 12 }).map((parts) => parts.join(""));

  it("finds what indexOf finds, and replaces what replaceAll replaces", () => {
    fc.assert(
      fc.property(letters, letters, (content, needle) => {
        fc.pre(needle !== "");
        const expected = [...content].map((_, at) => at).filter((at) => content.startsWith(needle, at));
        expect(occurrences(content, needle)).toEqual(expected);
        const change = { old_text: needle, new_text: "$&", replace_all: true };
        expect(applyEdit(content, change).text).toBe(content.replaceAll(needle, () => "$&"));
      }),
    );
  });

  it("takes its time from the length of the texts, however they are made", () => {
    const half = "a".repeat(1024 * 1024);
    const content = half.repeat(4);
    expect(occurrences(content, `${half}b${half}`)).toEqual([]);
    expect(occurrences(content, half, 3)).toEqual([0, 1, 2]);
  });
});

describe("edit_file after a lost outcome", () => {
  function reconcile(input: Input) {
    const parsed = tool.parse(input);
    if (!parsed.ok || tool.reconcile === undefined) throw new Error("cannot be read back");
    return tool.reconcile(parsed.input, contextOf(workspace));
  }

  it("was not applied when the old text is there once and the new one nowhere", async () => {
    workspace.write("a", "let x = 1;");
    expect(await reconcile({ path: "a", old_text: "1", new_text: "2" })).toEqual({ kind: "not_applied" });
  });

  it("was not applied when its temporary file is still there", async () => {
    workspace.write("a", "foobar");
    workspace.write(stagingName(contextOf(workspace).idempotency_key), "");
    expect(await reconcile({ path: "a", old_text: "foo", new_text: "foobar" })).toEqual({
      kind: "not_applied",
    });
  });

  it("was applied when it leads from the expected file to the present one, with the same output", async () => {
    for (const replace_all of [false, true]) {
      workspace.write("a", "let x = 1; // 2");
      const expected_sha256 = sha256Hex("let x = 1; // 2");
      const input = { path: "a", old_text: "1", new_text: "one", replace_all, expected_sha256 };
      expect(await reconcile(input)).toEqual({ kind: "not_applied" });
      const output = await edit(input);
      expect(await reconcile(input)).toEqual({ kind: "applied", output });
    }
  });

  it("is unknown where the text allows for both", async () => {
    workspace.write("a", "foobar");
    for (const input of [
      { path: "a", old_text: "foo", new_text: "foobar" },
      { path: "a", old_text: "baz", new_text: "foo" },
      { path: "a", old_text: "foo", new_text: "" },
      { path: "a", old_text: "x", new_text: "y" },
      { path: "a", old_text: "foo", new_text: "y", expected_sha256: sha256Hex("other") },
      { path: "missing", old_text: "x", new_text: "y" },
    ])
      expect(await reconcile(input)).toMatchObject({ kind: "unknown" });
  });

  it("never claims of a made edit that it was not made, nor the other way round", () => {
    const text = fc
      .array(fc.constantFrom("a", "b", "ab", " "), { maxLength: 8 })
      .map((parts) => parts.join(""));
    const needle = fc
      .array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, needle, text, fc.boolean(), (before, old_text, new_text, replace_all) => {
        const change = { old_text, new_text, replace_all };
        const count = occurrences(before, old_text).length;
        fc.pre(old_text !== new_text && (replace_all ? count > 0 : count === 1));
        const after = applyEdit(before, change).text;
        fc.pre(after !== before);
        expect(traceEdit(after, change, () => false).kind).not.toBe("not_made");
        const traced = traceEdit(after, change, (earlier) => earlier === before);
        if (traced.kind === "made") expect(applyEdit(traced.before, change).text).toBe(after);
        expect(traceEdit(before, change, () => false).kind).not.toBe("made");
      }),
      { numRuns: 1000 },
    );
  });
});
