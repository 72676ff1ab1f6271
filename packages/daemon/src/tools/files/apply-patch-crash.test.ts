import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Json } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { sha256Hex } from "../bytes.ts";
import { dyingAt } from "../testing/faulty-disk.ts";
import { contextOf, succeed, useWorkspace } from "../testing/harness.ts";
import { originalName } from "../workspace/replace.ts";
import { applyPatchTool } from "./apply-patch.ts";
import { traceEdits } from "./edit-history.ts";

const workspace = useWorkspace();
const tool = applyPatchTool(new KeyedMutex());
const PROGRAM = fileURLToPath(new URL("../testing/dying-patch.ts", import.meta.url));

const before = { a: "one\n", "dir/b": "two two\n", "dir/c": "three\n" };
const after = { a: "1\n", "dir/b": "2 2\n", "dir/c": "III\n" };
const hunks = [
  { path: "a", old_text: "one", new_text: "1" },
  { path: "dir/b", old_text: "two", new_text: "2", replace_all: true },
  { path: "dir/c", old_text: "three", new_text: "3" },
  { path: "dir/c", old_text: "3", new_text: "III" },
];

function fill(files: Record<string, string> = before): void {
  for (const [path, text] of Object.entries(files)) workspace.write(path, text);
}

function everything(): Record<string, string> {
  const entries = readdirSync(workspace.root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    paths.map((path) => [path.slice(workspace.root.length + 1), readFileSync(path, "utf8")]),
  );
}

function parsed(input: object): Json {
  const read = tool.parse(JSON.parse(JSON.stringify(input)));
  if (!read.ok) throw new Error(read.error);
  return read.input;
}

/** A tool of its own: the locks of a dead process are gone. Answers whether it died. */
function patchAndDie(killAt: number, failAt = -1, input: object = { hunks }): Promise<boolean> {
  const dying = applyPatchTool(new KeyedMutex());
  return dyingAt(killAt, failAt, () => dying.execute(parsed(input), contextOf(workspace)));
}

/** The same with a real process and a real SIGKILL. */
function killed(killAt: number): boolean {
  const { signal, status, stderr } = spawnSync(
    process.execPath,
    [PROGRAM, workspace.root, JSON.stringify(parsed({ hunks })), String(killAt)],
    { encoding: "utf8" },
  );
  if (signal !== "SIGKILL" && status !== 0) throw new Error(stderr);
  return signal !== null;
}

async function readBack(input: object = { hunks }) {
  if (tool.reconcile === undefined) throw new Error("cannot be read back");
  return tool.reconcile(parsed(input), contextOf(workspace));
}

/** What reading back finds after a death, and that the files are as it says. */
async function found(where: string, input: object): Promise<string> {
  const torn = everything();
  const read = await readBack(input);
  const now = everything();
  const context = `${where}: ${JSON.stringify(torn)}`;
  if (read.kind === "unknown") {
    // Only where nothing temporary was left to tell by: before its first trace, or after it removed its last.
    expect(Object.keys(torn).sort(), context).toEqual(Object.keys(before).sort());
    expect([before, after], context).toContainEqual(now);
  } else expect(now, context).toEqual(read.kind === "applied" ? after : before);
  return read.kind;
}

/** Lets it die at every change it makes until it survives, each time on fresh files. */
async function sweep(failAt = -1, input: object = { hunks }): Promise<string[]> {
  const kinds: string[] = [];
  for (let killAt = Math.max(0, failAt + 1); ; killAt += 1) {
    rmSync(workspace.root, { recursive: true });
    fill();
    if (!(await patchAndDie(killAt, failAt, input))) return kinds;
    kinds.push(await found(`killed at change ${killAt}`, input));
  }
}

describe("a patch whose daemon is killed", () => {
  it("at any change of the disk is read back as made or taken back whole", async () => {
    const kinds = await sweep();
    expect(kinds.length).toBeGreaterThan(20);
    expect(kinds.filter((kind) => kind === "not_applied").length).toBeGreaterThan(10);
    expect(kinds.filter((kind) => kind === "applied").length).toBeGreaterThan(3);
    expect(kinds.filter((kind) => kind === "unknown").length).toBeLessThanOrEqual(2);
  });

  it("with an expected SHA-256 of one file is never unknown", async () => {
    const [first, ...rest] = hunks;
    const input = { hunks: [{ ...first, expected_sha256: sha256Hex(before.a) }, ...rest] };
    expect(await sweep(-1, input)).not.toContain("unknown");
  });

  it("while it takes back a patch that failed half way is read back all the same", async () => {
    // The changes 16 to 20: its renames, and the directories synced after them.
    for (let failAt = 16; failAt <= 20; failAt += 1) {
      const kinds = await sweep(failAt);
      expect(kinds, `failed at change ${failAt}`).not.toContain("unknown");
      expect(kinds, `failed at change ${failAt}`).toContain("not_applied");
    }
  });

  it("with SIGKILL is read back like one that stopped answering", async () => {
    for (let killAt = 0; ; killAt += 5) {
      rmSync(workspace.root, { recursive: true, force: true });
      fill();
      if (!killed(killAt)) break;
      await found(`killed at change ${killAt}`, { hunks });
    }
    expect(everything()).toEqual(after);
  });

  it("leaves to others what they wrote since, and says where the original is", async () => {
    let killAt = 0;
    // The first change after which exactly one file is patched.
    for (; ; killAt += 1) {
      rmSync(workspace.root, { recursive: true });
      fill();
      if (!(await patchAndDie(killAt))) throw new Error("never half way");
      if (everything().a === after.a) break;
    }
    writeFileSync(join(workspace.root, "a"), "somebody else's");
    const read = await readBack();
    expect(read).toMatchObject({
      kind: "unknown",
      detail: expect.stringMatching(
        /^the patch was interrupted: 'a' was changed by somebody else since \(as it was: '(\.kheish-\w+\.orig)'\), 'dir\/b' is as it was, 'dir\/c' is as it was$/,
      ),
    });
    const original = /\.kheish-\w+\.orig/.exec(JSON.stringify(read))?.[0] ?? "";
    expect(everything()).toMatchObject({ ...before, a: "somebody else's", [original]: before.a });
  });
});

describe("a patch whose outcome is lost", () => {
  it("is told by the texts where nothing temporary is left", async () => {
    fill();
    expect(await readBack()).toEqual({ kind: "not_applied" });
    const expecting = { hunks: hunks.map((one) => ({ ...one })) } as { hunks: object[] };
    expecting.hunks[0] = { ...hunks[0], expected_sha256: sha256Hex(before.a) };
    const output = await succeed(tool, expecting as never, contextOf(workspace));
    expect(output).toMatchObject({ file_count: 3 });
    const read = await readBack(expecting);
    const changed = (output.changed_files as { replacements: number }[]).map(
      ({ replacements: _, ...rest }) => rest,
    );
    // Of a `replace_all` without an expected SHA-256 nobody can say any more how much it replaced.
    expect(read).toMatchObject({ kind: "applied", output: { changed_files: changed, file_count: 3 } });
    expect(await readBack()).toMatchObject({ kind: "unknown" });
    workspace.write("dir/c", before["dir/c"]);
    expect(await readBack(expecting)).toEqual({
      kind: "unknown",
      detail: "some of the files are patched and some are not",
    });
  });

  it("is unknown when a file of it is gone or is no text any more", async () => {
    fill();
    rmSync(join(workspace.root, "dir/b"));
    expect(await readBack()).toMatchObject({ kind: "unknown" });
    workspace.write("dir/b", Buffer.from([0xff]));
    expect(await readBack()).toMatchObject({ kind: "unknown" });
  });

  it("is not told by siblings that somebody else put there", async () => {
    fill();
    workspace.write(originalName("run-1/call-1/a"), "no text that the patch applies to");
    expect(await readBack()).toMatchObject({ kind: "unknown" });
    expect(everything()).toMatchObject(before);
  });
});

describe("the trace of several edits", () => {
  const edits = [
    { old_text: "a", new_text: "b", replace_all: false },
    { old_text: "b", new_text: "c", replace_all: true },
  ];

  it("is followed back through all of them", () => {
    expect(traceEdits("xc", edits, (earlier) => earlier === "xa")).toEqual({ kind: "made", before: "xa" });
    expect(traceEdits("xa", edits, () => false)).toEqual({ kind: "not_made" });
    expect(traceEdits("xc", edits, () => false)).toEqual({ kind: "ambiguous" });
    expect(traceEdits("x", edits, () => false)).toEqual({ kind: "ambiguous" });
  });
});
