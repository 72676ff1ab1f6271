import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../bytes.ts";
import { contextOf, fail, succeed, useWorkspace } from "../testing/harness.ts";
import { WindowReader } from "./line-window.ts";
import { readFileTool } from "./read-file.ts";

const CAP = 128 * 1024;
const workspace = useWorkspace();
const tool = readFileTool();
const read = (input: { path: string; [field: string]: string | number | boolean }) =>
  succeed(tool, input, contextOf(workspace));
const refusal = (path: string) => fail(tool, { path }, contextOf(workspace));

describe("read_file", () => {
  it("returns text exactly as it stands, with the digest of the file", async () => {
    const content = "\u{feff}one\r\ntwo\n\nvier \u{1f600}";
    workspace.write("src/a.txt", content);
    expect(await read({ path: "./src//a.txt" })).toEqual({
      path: "src/a.txt",
      start_line: 1,
      line_count: 4,
      total_lines: 4,
      content,
      bytes_read: Buffer.byteLength(content),
      size_bytes: Buffer.byteLength(content),
      sha256: sha256Hex(content),
      encoding: "utf-8",
      binary: false,
      truncated: false,
    });
  });

  it("reports the file as read, under its workspace-relative path", async () => {
    workspace.write("a", "x");
    const outcome = await tool.execute({ path: join(workspace.root, "a") }, contextOf(workspace));
    expect(outcome).toMatchObject({ context_updates: [{ type: "file_read", path: "a" }] });
  });

  it("returns the lines asked for", async () => {
    workspace.write("a", "1\n2\n3\n4\n");
    expect(await read({ path: "a", start_line: 2, line_count: 2 })).toMatchObject({
      start_line: 2,
      line_count: 2,
      total_lines: 4,
      content: "2\n3\n",
      truncated: false,
    });
    expect(await read({ path: "a", start_line: 4 })).toMatchObject({ line_count: 1, content: "4\n" });
    expect(await read({ path: "a", start_line: 9 })).toMatchObject({
      line_count: 0,
      content: "",
      total_lines: 4,
    });
  });

  it("reads an empty file", async () => {
    workspace.write("a", "");
    expect(await read({ path: "a" })).toMatchObject({
      start_line: 1,
      line_count: 0,
      total_lines: 0,
      content: "",
      size_bytes: 0,
    });
  });

  it("cuts after the last whole line that fits and says where to go on", async () => {
    const lines = Array.from({ length: 4000 }, (_, n) => `line ${n} ${"é".repeat(20)}\n`);
    const content = lines.join("");
    workspace.write("big", content);
    const parts: string[] = [];
    for (let start: unknown = 1; typeof start === "number"; ) {
      const output = await read({ path: "big", start_line: start });
      expect(output.bytes_read).toBeLessThanOrEqual(CAP);
      expect(output.sha256).toBe(sha256Hex(content));
      expect(output.truncated).toBe(output.next_start_line !== undefined);
      parts.push(String(output.content));
      start = output.next_start_line;
    }
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.join("")).toBe(content);
  });

  it("cuts a line that is longer than the cap between characters, and continues inside it", async () => {
    const content = `x${"é".repeat(CAP)}\nlast\n`;
    workspace.write("long", content);
    const first = await read({ path: "long" });
    expect(first).toMatchObject({ truncated: true, binary: false, line_count: 1, start_line: 1 });
    expect(first.content).toBe(`x${"é".repeat((CAP - 2) / 2)}`);
    const second = await read({ path: "long", start_byte: Number(first.next_start_byte) });
    const third = await read({ path: "long", start_byte: Number(second.next_start_byte) });
    expect(`${first.content}${second.content}${third.content}`).toBe(content);
    expect(third).toMatchObject({ start_line: 1, line_count: 2, truncated: false });
  });

  it("moves a start inside a character on to the next one", async () => {
    workspace.write("a", "é\nb");
    expect(await read({ path: "a", start_byte: 1 })).toMatchObject({ content: "\nb", start_line: 1 });
  });

  it("reaches every line of a huge file without holding it", async () => {
    const line = `${"0123456789".repeat(6)}ab\n`;
    const path = workspace.write("huge", line.repeat(1024 * 1024));
    const before = process.memoryUsage().arrayBuffers;
    const output = await read({ path: "huge", start_line: 1024 * 1024 });
    expect(output).toMatchObject({ content: line, total_lines: 1024 * 1024, truncated: false });
    expect(output.size_bytes).toBe(line.length * 1024 * 1024);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
    expect(path).toContain("huge");
  });

  it.each([
    ["invalid UTF-8", Buffer.from([0x66, 0xff, 0x67])],
    ["a NUL", Buffer.from("a\0b")],
    ["a character cut off at the end", Buffer.from("é").subarray(0, 1)],
  ])("reports a file with %s as binary", async (_, bytes) => {
    workspace.write("bin", bytes);
    const output = await read({ path: "bin", start_line: 3 });
    expect(output).toMatchObject({
      encoding: "binary",
      binary: true,
      content: "",
      start_line: 1,
      line_count: 0,
      sha256: sha256Hex(bytes),
      bytes_read: bytes.length,
      truncated: false,
    });
    expect(output).not.toHaveProperty("content_base64");
    expect(await read({ path: "bin", include_base64: true })).toMatchObject({
      content_base64: bytes.toString("base64"),
    });
  });

  it("returns the first 128 KiB of a larger binary file as base64, and says that it was cut", async () => {
    const bytes = Buffer.alloc(CAP + 10, 1);
    bytes[CAP + 9] = 0;
    workspace.write("bin", bytes);
    const output = await read({ path: "bin", include_base64: true });
    expect(output).toMatchObject({ binary: true, truncated: true, bytes_read: CAP, size_bytes: CAP + 10 });
    expect(Buffer.from(String(output.content_base64), "base64")).toEqual(bytes.subarray(0, CAP));
  });

  it("stops when the call is stopped", async () => {
    workspace.write("a", "x");
    const stopped = contextOf(workspace, { signal: AbortSignal.abort() });
    expect(await fail(tool, { path: "a" }, stopped)).toContain("stopped");
  });
});

describe("read_file in a hostile workspace", () => {
  it("03-R9: refuses what is above or outside the root", async () => {
    writeFileSync(join(workspace.outside, "secret"), "s");
    expect(await refusal("../secret")).toContain("leads above the workspace root");
    expect(await refusal("a/../../secret")).toContain("leads above the workspace root");
    expect(await refusal(join(workspace.outside, "secret"))).toContain("is outside the workspace");
    expect(await refusal(`${workspace.root}/../secret`)).toContain("leads above the workspace root");
    expect(await refusal(`${workspace.root}-2/x`)).toContain("is outside the workspace");
    expect(await refusal("a\0b")).toContain("NUL");
  });

  it("03-A4: takes `link/../x` for `x`, whatever the link is", async () => {
    mkdirSync(join(workspace.outside, "other"));
    writeFileSync(join(workspace.outside, "x"), "outside");
    workspace.write("x", "inside");
    symlinkSync(join(workspace.outside, "other"), join(workspace.root, "link"));
    expect(await read({ path: "link/../x" })).toMatchObject({ path: "x", content: "inside" });
  });

  it("03-R9: follows links inside the workspace, and none that leads out", async () => {
    writeFileSync(join(workspace.outside, "secret"), "s");
    workspace.write("dir/file", "inside");
    symlinkSync("dir", join(workspace.root, "relative"));
    symlinkSync(join(workspace.root, "dir", "file"), join(workspace.root, "absolute"));
    expect(await read({ path: "relative/file" })).toMatchObject({ content: "inside", path: "relative/file" });
    expect(await read({ path: "absolute" })).toMatchObject({ content: "inside" });

    symlinkSync(join(workspace.outside, "secret"), join(workspace.root, "out"));
    symlinkSync("..", join(workspace.root, "dir", "up"));
    symlinkSync("../..", join(workspace.root, "dir", "upup"));
    symlinkSync("nowhere", join(workspace.root, "dangling"));
    expect(await read({ path: "dir/up/dir/file" })).toMatchObject({ content: "inside" });
    expect(await refusal("out")).toContain("leads out of the workspace");
    expect(await refusal("dir/upup/secret")).toContain("leads out of the workspace");
    expect(await refusal("dangling")).toContain("no such file");
  });

  it("does not tell whether something outside exists", async () => {
    symlinkSync(join(workspace.outside, "there"), join(workspace.root, "one"));
    symlinkSync(join(workspace.outside, "not-there"), join(workspace.root, "two"));
    writeFileSync(join(workspace.outside, "there"), "");
    expect((await refusal("one")).replace("one", "")).toBe((await refusal("two")).replace("two", ""));
  });

  it("ends on links that go round in circles", async () => {
    symlinkSync("b", join(workspace.root, "a"));
    symlinkSync("a", join(workspace.root, "b"));
    expect(await refusal("a")).toContain("too many symbolic links");
  });

  it("refuses directories, FIFOs, sockets and devices without waiting for them", async () => {
    mkdirSync(join(workspace.root, "dir"));
    workspace.fifo("fifo");
    symlinkSync("fifo", join(workspace.root, "to-fifo"));
    symlinkSync("/dev/zero", join(workspace.root, "zero"));
    const server = createServer().listen(join(workspace.root, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    expect(await refusal("dir")).toBe("'dir' is a directory");
    expect(await refusal(".")).toBe("'.' is a directory");
    expect(await refusal("fifo")).toBe("'fifo' is not a regular file");
    expect(await refusal("to-fifo")).toBe("'to-fifo' is not a regular file");
    expect(await refusal("socket")).toBe("'socket' is not a regular file");
    expect(await refusal("zero")).toContain("leads out of the workspace");
    await new Promise((resolve) => server.close(resolve));
  });

  it("refuses a device that stands in the workspace itself", async () => {
    const context = contextOf(workspace, { workspace_root: "/dev" });
    expect(await fail(tool, { path: "zero" }, context)).toBe("'zero' is not a regular file");
  });

  it("takes names as they are: newlines, dashes, quotes, unicode", async () => {
    for (const name of ["new\nline", "-rf", "--help", "$(id)", "a'b\"c", "日本語 😀", "~", "*"]) {
      workspace.write(name, name);
      expect(await read({ path: name })).toMatchObject({ path: name, content: name });
    }
  });

  it("says in words, and without the host's path, why a file cannot be read", async () => {
    workspace.write("file", "");
    expect(await refusal("missing")).toBe("'missing': no such file or directory (ENOENT)");
    expect(await refusal("file/x")).toBe("'file/x': a part of the path is not a directory (ENOTDIR)");
    expect(await refusal("x".repeat(300))).toContain("the name is too long");
    if (process.getuid?.() === 0) return;
    chmodSync(workspace.write("private", "s"), 0o000);
    expect(await refusal("private")).toBe("'private': permission denied (EACCES)");
  });

  it("reads a hard link: it cannot be told from a file of the workspace", async () => {
    writeFileSync(join(workspace.outside, "linked"), "shared");
    linkSync(join(workspace.outside, "linked"), join(workspace.root, "hard"));
    expect(await read({ path: "hard" })).toMatchObject({ content: "shared" });
  });
});

describe("the line window", () => {
  const pieces = fc.array(fc.constantFrom("a", "é", "\u{1f600}", "\n", "long text ", "\r\n"), {
    maxLength: 60,
  });

  it("is the same however the bytes arrive, and its continuation misses nothing", () => {
    fc.assert(
      fc.property(
        pieces,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 4, max: 40 }),
        (parts, chunk, max) => {
          const text = parts.join("");
          const collected: string[] = [];
          let from: { startLine: number; startByte: number | undefined } | undefined = {
            startLine: 1,
            startByte: undefined,
          };
          while (from !== undefined) {
            const reader = new WindowReader({ ...from, lineCount: Number.POSITIVE_INFINITY, maxBytes: max });
            const bytes = Buffer.from(text);
            for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
            const window = reader.finish();
            collected.push(window.bytes.toString());
            const next = window.next;
            if (next === undefined) from = undefined;
            else if ("line" in next) from = { startLine: next.line, startByte: undefined };
            else from = { startLine: 1, startByte: next.byte };
          }
          expect(collected.join("")).toBe(text);
        },
      ),
    );
  });
});
