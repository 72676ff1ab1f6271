import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { useWorkspace } from "../testing/harness.ts";
import { DESCRIPTORS, isInside } from "./descriptors.ts";
import { holdDirectory } from "./held-directory.ts";
import { below, relativePath } from "./path.ts";
import { replaceFile } from "./replace.ts";

const workspace = useWorkspace();

describe("paths by their letters", () => {
  it.each([
    ["", "."],
    [".", "."],
    ["/ws", "."],
    ["/ws/", "."],
    ["a//b/./c/", "a/b/c"],
    ["a/../b", "b"],
    ["/ws/a/../../ws", undefined],
    ["/ws/a", "a"],
    ["..", undefined],
    ["a/../..", undefined],
    ["/", undefined],
    ["/wss/a", undefined],
    ["..a/...", "..a/..."],
    ["a\\..\\b", "a\\..\\b"],
  ])("03-R9: '%s' is '%s'", (path, expected) => {
    if (expected === undefined) expect(() => relativePath("/ws", path)).toThrow();
    else expect(relativePath("/ws", path)).toBe(expected);
  });

  it("03-R9: never come out above the root, whatever they are made of", () => {
    const path = fc.array(fc.constantFrom("..", ".", "", "a", "/", "b"), { maxLength: 12 });
    fc.assert(
      fc.property(path, (names) => {
        let relative: string;
        try {
          relative = relativePath("/ws", names.join("/"));
        } catch {
          return;
        }
        expect(relative.split("/")).not.toContain("..");
        expect(below("/ws", join("/ws", relative))).toBeDefined();
      }),
    );
  });
});

describe("replacing a file", () => {
  it("that is stopped before the rename leaves the old file and nothing else", async () => {
    workspace.write("a", "old");
    const directory = await holdDirectory(workspace.root, [], "refuse");
    const stopped = replaceFile({
      directory,
      name: "a",
      staging: ".staging",
      bytes: Buffer.from("new"),
      previous: undefined,
      signal: AbortSignal.abort(),
    });
    await expect(stopped).rejects.toThrow();
    await directory.close();
    expect(readdirSync(workspace.root)).toEqual(["a"]);
    expect(readFileSync(join(workspace.root, "a"), "utf8")).toBe("old");
  });
});

describe.runIf(DESCRIPTORS !== undefined)("between check and use", () => {
  it("an open file is known to be outside whatever path it was opened by", () => {
    writeFileSync(join(workspace.outside, "secret"), "s");
    const inside = openSync(workspace.write("a", ""), "r");
    const outside = openSync(join(workspace.outside, "secret"), "r");
    expect(isInside(workspace.root, inside)).toBe(true);
    expect(isInside(workspace.root, outside)).toBe(false);
  });

  it("03-R10: a directory exchanged for a link after it was opened leads a write nowhere else", async () => {
    mkdirSync(join(workspace.root, "dir"));
    mkdirSync(join(workspace.outside, "target"));
    const directory = await holdDirectory(workspace.root, ["dir"], "refuse");
    renameSync(join(workspace.root, "dir"), join(workspace.root, "moved"));
    symlinkSync(join(workspace.outside, "target"), join(workspace.root, "dir"));
    await replaceFile({
      directory,
      name: "file",
      staging: ".staging",
      bytes: Buffer.from("x"),
      previous: undefined,
      signal: new AbortController().signal,
    });
    await directory.close();
    expect(existsSync(join(workspace.outside, "target", "file"))).toBe(false);
    expect(readFileSync(join(workspace.root, "moved", "file"), "utf8")).toBe("x");
  });
});
