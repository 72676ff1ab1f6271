import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@kheish/contract";
import { afterEach, describe, expect, it } from "vitest";
import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { sha256Hex } from "../bytes.ts";
import { diskFull, faultyDisk } from "../testing/faulty-disk.ts";
import { call, contextOf, fail, mismatch, succeed, useWorkspace } from "../testing/harness.ts";
import { applyPatchTool } from "./apply-patch.ts";

const workspace = useWorkspace();
const tool = applyPatchTool(new KeyedMutex());
const at = (path: string) => join(workspace.root, path);
const content = (path: string) => readFileSync(at(path), "utf8");
/** Everything that stands in the workspace, by name. */
const everything = () =>
  Object.fromEntries(
    readdirSync(workspace.root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(workspace.root.length + 1), readFileSync(path, "utf8")]),
  );

type Hunk = {
  path: string;
  old_text: string;
  new_text: string;
  replace_all?: boolean;
  expected_sha256?: string;
};
const hunk = (path: string, old_text: string, new_text: string, more: Partial<Hunk> = {}): Hunk => ({
  path,
  old_text,
  new_text,
  ...more,
});
const patch = (...hunks: Hunk[]) => succeed(tool, { hunks }, contextOf(workspace));
const refusal = (...hunks: Hunk[]) => fail(tool, { hunks }, contextOf(workspace));

describe("apply_patch", () => {
  it("03-R13: makes hunks in their order against the running text, in every file", async () => {
    workspace.write("a", "one two");
    workspace.write("dir/b", "x x");
    const hunks = [
      hunk("a", "one", "1"),
      hunk("./dir/../dir/b", "x", "y", { replace_all: true }),
      hunk("a", "1 two", "done"),
    ];
    expect(await call(tool, { hunks }, contextOf(workspace))).toEqual({
      kind: "result",
      is_error: false,
      output: {
        changed_files: [
          { path: "a", hunks: 2, replacements: 2, bytes_written: 4, sha256: sha256Hex("done") },
          { path: "dir/b", hunks: 1, replacements: 2, bytes_written: 3, sha256: sha256Hex("y y") },
        ],
        file_count: 2,
      },
      context_updates: [
        { type: "file_modified", path: "a" },
        { type: "file_modified", path: "dir/b" },
      ],
    });
    expect(everything()).toEqual({ a: "done", "dir/b": "y y" });
  });

  it("03-R13: validates all before it writes any, and says which hunk of which file does not fit", async () => {
    workspace.write("a", "one");
    workspace.write("b", "twice twice");
    const outcome = await call(
      tool,
      { hunks: [hunk("a", "one", "1"), hunk("a", "one", "2"), hunk("b", "twice", "once")] },
      contextOf(workspace),
    );
    expect(outcome).toMatchObject({
      is_error: true,
      output: { error: "hunks[1]: old_text does not occur in 'a'", hunk: 1, path: "a" },
    });
    expect(await call(tool, { hunks: [hunk("b", "twice", "once")] }, contextOf(workspace))).toMatchObject({
      output: {
        error: expect.stringContaining("hunks[0]: old_text occurs 2 times"),
        hunk: 0,
        path: "b",
        match_lines: [1, 1],
      },
    });
    expect(everything()).toEqual({ a: "one", b: "twice twice" });
  });

  it("03-R13: creates, deletes and renames no file", async () => {
    workspace.write("empty", "");
    expect(await refusal(hunk("new", "a", "b"))).toBe(
      "hunks[0]: 'new' does not exist; to create a file use write_file",
    );
    expect(await refusal(hunk("empty", "a", "b"))).toBe("hunks[0]: old_text does not occur in 'empty'");
    workspace.write("a", "all of it");
    await patch(hunk("a", "all of it", ""));
    expect(everything()).toEqual({ a: "", empty: "" });
  });

  it("03-R12, 03-R13: compares expected_sha256, and refuses two that contradict each other", async () => {
    workspace.write("a", "one two");
    const expected_sha256 = sha256Hex("one two");
    const other = { expected_sha256: sha256Hex("other") };
    expect(await refusal(hunk("a", "one", "1", other))).toContain("hunks[0]: 'a' is not what was expected");
    expect(await refusal(hunk("a", "one", "1", { expected_sha256 }), hunk("./a", "two", "2", other))).toBe(
      "hunks[1]: another hunk expects another SHA-256 of 'a'",
    );
    expect(content("a")).toBe("one two");
    await patch(hunk("a", "one", "1"), hunk("a", "two", "2", { expected_sha256 }));
    expect(content("a")).toBe("1 2");
  });

  it("refuses what is no patch", () => {
    expect(mismatch(tool, { hunks: [] })).toContain("$.hunks");
    expect(mismatch(tool, { hunks: [hunk("a", "", "x")] })).toContain(
      "$.hunks[0].old_text: must not be empty",
    );
    expect(mismatch(tool, { hunks: [hunk("a", "x", "x")] })).toContain("nothing would change");
    expect(mismatch(tool, { hunks: Array(1_001).fill(hunk("a", "x", "y")) })).toContain("1000");
    expect(mismatch(tool, { hunks: [{ ...hunk("a", "x", "y"), rename_to: "b" }] })).toContain("rename_to");
  });

  it("takes so many files and no more", async () => {
    const hunks = Array.from({ length: 201 }, (_, n) => hunk(`f${n}`, "x", "y"));
    for (const { path } of hunks) workspace.write(path, "x");
    expect(await refusal(...hunks)).toBe("the patch is about 201 files; one patch takes 200");
    expect(await patch(...hunks.slice(1))).toMatchObject({ file_count: 200 });
    expect(new Set(Object.values(everything()))).toEqual(new Set(["x", "y"]));
    expect(readdirSync(workspace.root)).toHaveLength(201);
  });

  it("keeps mode, owner, byte order mark, line ends and a missing last one", async () => {
    chmodSync(workspace.write("run.sh", "\u{feff}one\r\ntwo"), 0o755);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(at("run.sh"), 1234, 1234);
    await patch(hunk("run.sh", "one", "1"), hunk("run.sh", "two", "2"));
    expect(content("run.sh")).toBe("\u{feff}1\r\n2");
    const { mode, uid, gid } = statSync(at("run.sh"));
    expect(mode & 0o777).toBe(0o755);
    if (isRoot) expect([uid, gid]).toEqual([1234, 1234]);
    expect(await refusal(hunk("run.sh", "1\n2", "x"))).toContain("CR LF");
  });

  it("03-R13: refuses what is not UTF-8 or over 4 MiB, before or after", async () => {
    const MiB = 1024 * 1024;
    workspace.write("ok", "a");
    workspace.write("bin", Buffer.from([0x61, 0xff]));
    workspace.write("large", "x".repeat(4 * MiB + 1));
    workspace.write("grows", "x".repeat(2 * MiB));
    expect(await refusal(hunk("ok", "a", "b"), hunk("bin", "a", "b"))).toBe("'bin' is not UTF-8 text");
    expect(await refusal(hunk("ok", "a", "b"), hunk("large", "x", "y"))).toContain("up to 4194304 bytes");
    const growth = hunk("grows", "x", "y".repeat(MiB), { replace_all: true });
    expect(await refusal(hunk("ok", "a", "b"), growth)).toContain("hunks[1]: 'grows' would have");
    expect(content("ok")).toBe("a");
  });

  it("03-R10: refuses links, directories and what leads out, and leaves the other files alone", async () => {
    writeFileSync(join(workspace.outside, "secret"), "s");
    symlinkSync(join(workspace.outside, "secret"), at("out"));
    symlinkSync("..", at("up"));
    mkdirSync(at("dir"));
    workspace.fifo("fifo");
    workspace.write("ok", "a");
    const with_ = (path: string) => refusal(hunk("ok", "a", "b"), hunk(path, "s", "x"));
    expect(await with_("out")).toBe("'out' is a symbolic link");
    expect(await with_("up/secret")).toContain("symbolic links");
    expect(await with_("dir")).toBe("'dir' is a directory");
    expect(await with_("fifo")).toContain("not a regular file");
    expect(await with_("../secret")).toBe("hunks[1]: '../secret' leads above the workspace root");
    expect(await with_("/etc/passwd")).toContain("outside the workspace");
    expect(content("ok")).toBe("a");
    expect(readFileSync(join(workspace.outside, "secret"), "utf8")).toBe("s");
    expect(readdirSync(workspace.root).sort()).toEqual(["dir", "fifo", "ok", "out", "up"]);
  });

  it("03-R11: patches of the same files at the same time are all made, whatever their order", async () => {
    workspace.write("a", "1 2 3 4");
    workspace.write("b", "1 2 3 4");
    await Promise.all(
      ["1", "2", "3", "4"].map((digit, n) => {
        const paths = n % 2 === 0 ? ["a", "b"] : ["b", "a"];
        const hunks = paths.map((path) => hunk(path, digit, `<${digit}>`));
        return succeed(tool, { hunks }, contextOf(workspace, { idempotency_key: digit }));
      }),
    );
    expect(everything()).toEqual({ a: "<1> <2> <3> <4>", b: "<1> <2> <3> <4>" });
  });

  it("leaves a hard link elsewhere with the old text", async () => {
    workspace.write("a", "one");
    linkSync(at("a"), join(workspace.outside, "other-name"));
    await patch(hunk("a", "one", "two"));
    expect(content("a")).toBe("two");
    expect(readFileSync(join(workspace.outside, "other-name"), "utf8")).toBe("one");
  });

  it("that is stopped leaves every file as it was", async () => {
    workspace.write("a", "one");
    workspace.write("b", "one");
    const stopping = new AbortController();
    const context = contextOf(workspace, { signal: stopping.signal });
    const restore = await faultyDisk((operation) => {
      if (operation === "rename") stopping.abort();
      return undefined;
    });
    const outcome = await call(tool, { hunks: [hunk("a", "one", "1"), hunk("b", "one", "1")] }, context);
    restore();
    expect(outcome).toMatchObject({ is_error: true, output: { interrupted: true } });
    expect(everything()).toEqual({ a: "one", b: "one" });
  });
});

describe("a patch whose disk fails", () => {
  let restore = () => {};
  afterEach(() => restore());

  const hunks = [hunk("a", "one", "1"), hunk("dir/b", "two", "2"), hunk("dir/c", "three", "3")];
  const before = { a: "one", "dir/b": "two", "dir/c": "three" };
  const after = { a: "1", "dir/b": "2", "dir/c": "3" };

  /** Runs the patch on a disk that refuses the changes that `fails` names by their number. */
  async function patchWith(fails: (n: number) => boolean) {
    for (const [path, text] of Object.entries(before)) workspace.write(path, text);
    let n = 0;
    restore = await faultyDisk((operation) => (fails(n++) ? diskFull(operation) : undefined));
    const outcome = await call(tool, { hunks }, contextOf(workspace)).finally(() => restore());
    return { output: outcome.output as JsonObject, isError: outcome.is_error, changes: n };
  }

  it("at any one change has made all of it or nothing, and leaves nothing behind", async () => {
    const { changes } = await patchWith(() => false);
    expect(everything()).toEqual(after);
    expect(changes).toBeGreaterThan(20);
    let failures = 0;
    for (let change = 0; change < changes; change++) {
      const { isError, output } = await patchWith((n) => n === change);
      const { a, "dir/b": b, "dir/c": c, ...rest } = everything();
      expect({ a, "dir/b": b, "dir/c": c }, `change ${change}`).toEqual(isError ? before : after);
      if (isError) expect(output.error, `change ${change}`).toContain("no space left on the disk (ENOSPC)");
      // What could not be removed is the one thing that a failing removal may leave.
      expect(Object.keys(rest).length, `change ${change}`).toBeLessThanOrEqual(1);
      if (isError) failures += 1;
      for (const name of Object.keys(rest)) rmSync(at(name));
    }
    expect(failures).toBeGreaterThan(10);
  });

  it("from some change on says which files it could not put back, and where they are as they were", async () => {
    const { changes } = await patchWith(() => false);
    let halves = 0;
    for (let change = 0; change < changes; change++) {
      const { output, isError } = await patchWith((n) => n >= change);
      const now = everything() as Record<string, string>;
      if (!isError) {
        expect(now).toMatchObject(after);
        continue;
      }
      const named = (output.not_put_back ?? []) as { path: string; original: string }[];
      for (const [path, text] of Object.entries(before)) {
        const lost = named.find((one) => one.path === path);
        if (lost === undefined) expect(now[path], `${path} at change ${change}`).toBe(text);
        else expect(now[lost.original], `${path} at change ${change}`).toBe(text);
      }
      if (named.length > 0) halves += 1;
      for (const name of Object.keys(now)) if (!(name in before)) rmSync(at(name));
    }
    expect(halves).toBeGreaterThan(0);
  });

  it("does not take back what somebody else wrote meanwhile, and says so", async () => {
    for (const [path, text] of Object.entries(before)) workspace.write(path, text);
    let renames = 0;
    restore = await faultyDisk((operation) => {
      if (operation !== "rename") return undefined;
      renames += 1;
      if (renames !== 2) return undefined;
      writeFileSync(at("a"), "somebody else's");
      return diskFull(operation);
    });
    const { output } = await call(tool, { hunks }, contextOf(workspace));
    restore();
    expect(output).toMatchObject({
      error: expect.stringContaining("'a' (it was changed again by somebody else)"),
      not_put_back: [{ path: "a", original: expect.stringMatching(/^\.kheish-.*\.orig$/) }],
    });
    const [lost] = (output as { not_put_back: { original: string }[] }).not_put_back;
    expect(content("a")).toBe("somebody else's");
    expect(content(lost?.original ?? "")).toBe("one");
    expect(content("dir/b")).toBe("two");
  });

  it("notices a file that was written to after it was read, and changes none", async () => {
    for (const [path, text] of Object.entries(before)) workspace.write(path, text);
    let links = 0;
    restore = await faultyDisk((operation) => {
      if (operation === "link" && ++links === 3) writeFileSync(at("dir/b"), "somebody else's");
      return undefined;
    });
    const refused = await fail(tool, { hunks }, contextOf(workspace));
    restore();
    expect(refused).toContain("'dir/b' was changed by somebody else");
    expect(everything()).toEqual({ ...before, "dir/b": "somebody else's" });
  });

  it("keeps the original as a copy where the file system has no second names", async () => {
    for (const [path, text] of Object.entries(before)) workspace.write(path, text);
    chmodSync(at("a"), 0o640);
    let renames = 0;
    restore = await faultyDisk((operation) => {
      if (operation === "link") {
        const error = new Error("EPERM: operation not permitted, link");
        return Promise.reject(Object.assign(error, { code: "EPERM", syscall: "link" }));
      }
      return operation === "rename" && ++renames === 3 ? diskFull(operation) : undefined;
    });
    const refused = await fail(tool, { hunks }, contextOf(workspace));
    restore();
    expect(refused).toContain("ENOSPC");
    expect(everything()).toEqual(before);
    expect(statSync(at("a")).mode & 0o777).toBe(0o640);
  });
});
