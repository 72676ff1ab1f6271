import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { sha256Hex } from "../bytes.ts";
import { call, contextOf, fail, succeed, useWorkspace } from "../testing/harness.ts";
import { stagingName } from "../workspace/replace.ts";
import { writeFileTool } from "./write-file.ts";

const workspace = useWorkspace();
const tool = writeFileTool(new KeyedMutex());
const asRoot = process.getuid?.() === 0;
const at = (path: string) => join(workspace.root, path);
const content = (path: string) => readFileSync(at(path), "utf8");

type Input = { path: string; content?: string; content_base64?: string; expected_sha256?: string };
const write = (input: Input) => succeed(tool, input, contextOf(workspace));
const refusal = (input: Input) => fail(tool, input, contextOf(workspace));

function reconcile(input: Input, context = contextOf(workspace)) {
  if (tool.reconcile === undefined) throw new Error("write_file cannot be read back");
  return tool.reconcile(input, context);
}

describe("write_file", () => {
  it("03-R10: creates a file and its missing parents, and leaves nothing else behind", async () => {
    const outcome = await call(tool, { path: "a/b/c.txt", content: "héllo" }, contextOf(workspace));
    expect(outcome).toEqual({
      kind: "result",
      is_error: false,
      output: { path: "a/b/c.txt", bytes_written: 6, sha256: sha256Hex("héllo") },
      context_updates: [{ type: "file_modified", path: "a/b/c.txt" }],
    });
    expect(content("a/b/c.txt")).toBe("héllo");
    expect(readdirSync(at("a/b"))).toEqual(["c.txt"]);
  });

  it("writes bytes from base64", async () => {
    const bytes = Buffer.from([0, 255, 10]);
    await write({ path: "bin", content_base64: bytes.toString("base64") });
    expect(readFileSync(at("bin"))).toEqual(bytes);
    await write({ path: "bin", content_base64: "" });
    expect(statSync(at("bin")).size).toBe(0);
  });

  it("keeps the mode of the file it replaces, and gives a new one what the umask allows", async () => {
    chmodSync(workspace.write("script", "old"), 0o750);
    await write({ path: "script", content: "new" });
    expect(statSync(at("script")).mode & 0o777).toBe(0o750);
    await write({ path: "fresh", content: "" });
    expect(statSync(at("fresh")).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  it.runIf(asRoot)("keeps the owner and the group of the file it replaces", async () => {
    chownSync(workspace.write("theirs", "old"), 1234, 2345);
    await write({ path: "theirs", content: "new" });
    expect(statSync(at("theirs"))).toMatchObject({ uid: 1234, gid: 2345 });
  });

  it.skipIf(asRoot)("does not write over a file that its owner made read-only", async () => {
    chmodSync(workspace.write("fixed", "old"), 0o444);
    expect(await refusal({ path: "fixed", content: "new" })).toBe("'fixed': permission denied (EACCES)");
    expect(content("fixed")).toBe("old");
  });

  it("03-R12: compares expected_sha256 with the whole file and writes nothing on a mismatch", async () => {
    workspace.write("a", "old");
    const input = { path: "a", content: "new", expected_sha256: sha256Hex("other") };
    const outcome = await call(tool, input, contextOf(workspace));
    expect(outcome).toMatchObject({ is_error: true, output: { sha256: sha256Hex("old") } });
    expect(content("a")).toBe("old");
    await write({ ...input, expected_sha256: sha256Hex("old").toUpperCase() });
    expect(content("a")).toBe("new");
    expect(await refusal({ ...input, path: "missing" })).toContain("does not exist");
  });

  it("03-R11: two writes that expect the same file cannot both succeed", async () => {
    workspace.write("a", "old");
    const expected_sha256 = sha256Hex("old");
    const outcomes = await Promise.all(
      ["one", "two", "three"].map((text) =>
        call(
          tool,
          { path: text === "two" ? "./a" : "a", content: text, expected_sha256 },
          contextOf(workspace, { idempotency_key: text }),
        ),
      ),
    );
    expect(outcomes.map((outcome) => outcome.is_error)).toEqual([false, true, true]);
    expect(content("a")).toBe("one");
  });

  it("03-R10: refuses links and directories as targets, and links on the way", async () => {
    writeFileSync(join(workspace.outside, "secret"), "s");
    mkdirSync(join(workspace.outside, "other"));
    workspace.write("dir/file", "inside");
    symlinkSync(join(workspace.outside, "secret"), at("out"));
    symlinkSync(join(workspace.outside, "new"), at("dangling"));
    symlinkSync("dir/file", at("in"));
    symlinkSync(join(workspace.outside, "other"), at("otherdir"));
    symlinkSync("dir", at("indir"));
    for (const path of ["out", "dangling", "in"])
      expect(await refusal({ path, content: "x" })).toBe(`'${path}' is a symbolic link`);
    for (const path of ["otherdir", "indir"])
      expect(await refusal({ path: `${path}/x`, content: "x" })).toBe(
        `'${path}' is not a directory; writes do not go through symbolic links`,
      );
    expect(await refusal({ path: "dir", content: "x" })).toBe("'dir' is a directory");
    expect(await refusal({ path: ".", content: "x" })).toContain("workspace root");
    expect(readFileSync(join(workspace.outside, "secret"), "utf8")).toBe("s");
    expect(existsSync(join(workspace.outside, "new"))).toBe(false);
    expect(readdirSync(join(workspace.outside, "other"))).toEqual([]);
    expect(content("dir/file")).toBe("inside");
  });

  it("03-R9: refuses what is above or outside the root", async () => {
    expect(await refusal({ path: "../x", content: "" })).toContain("above the workspace root");
    expect(await refusal({ path: join(workspace.outside, "x"), content: "" })).toContain("outside");
    expect(await refusal({ path: "a\0", content: "" })).toContain("NUL");
    expect(readdirSync(workspace.outside)).toEqual(["ws"]);
  });

  it("refuses FIFOs without waiting for a reader", async () => {
    workspace.fifo("fifo");
    expect(await refusal({ path: "fifo", content: "x" })).toBe("'fifo' is not a regular file");
    expect(await refusal({ path: "fifo", content: "x", expected_sha256: sha256Hex("") })).toContain(
      "regular",
    );
  });

  it("takes names as they are", async () => {
    for (const path of ["new\nline", "-rf", "日本語/😀", "$(id)"]) {
      await write({ path, content: path });
      expect(content(path)).toBe(path);
    }
  });

  it("is not led astray by a link planted under its temporary name", async () => {
    const staging = stagingName(contextOf(workspace).idempotency_key);
    writeFileSync(join(workspace.outside, "victim"), "safe");
    symlinkSync(join(workspace.outside, "victim"), at(staging));
    await write({ path: "a", content: "new" });
    expect(readFileSync(join(workspace.outside, "victim"), "utf8")).toBe("safe");
    expect(readdirSync(workspace.root)).toEqual(["a"]);
  });
});

describe("write_file after a lost outcome", () => {
  it("was applied when the file holds what the call writes, with the same output", async () => {
    const output = await write({ path: "d/a", content: "new" });
    expect(await reconcile({ path: "d/a", content: "new" })).toEqual({ kind: "applied", output });
  });

  it("was not applied when the file is still the expected one", async () => {
    workspace.write("a", "old");
    const input = { path: "a", content: "new", expected_sha256: sha256Hex("old") };
    expect(await reconcile(input)).toEqual({ kind: "not_applied" });
  });

  it("was not applied when its temporary file is still there, which is then removed", async () => {
    workspace.write("a", "old");
    workspace.write(stagingName(contextOf(workspace).idempotency_key), "ne");
    expect(await reconcile({ path: "a", content: "new" })).toEqual({ kind: "not_applied" });
    expect(readdirSync(workspace.root)).toEqual(["a"]);
  });

  it("is unknown in every other case", async () => {
    workspace.write("a", "other");
    symlinkSync("a", at("link"));
    for (const path of ["a", "missing", "no/parent", "link", "../x"])
      expect(await reconcile({ path, content: "new" })).toMatchObject({ kind: "unknown" });
  });

  it("is unknown when the reading itself is stopped", async () => {
    workspace.write("a", "new");
    const stopped = contextOf(workspace, { signal: AbortSignal.abort() });
    expect(await reconcile({ path: "a", content: "new" }, stopped)).toMatchObject({ kind: "unknown" });
  });
});
