import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Json, JsonObject } from "@kheish/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createBuiltinTools } from "../../src/tools/index.ts";
import { search } from "../../src/tools/search/engine.ts";
import type { GrepMatch } from "../../src/tools/search/protocol.ts";
import { contextAt } from "../../src/tools/testing/context.ts";
import { DESCRIPTORS } from "../../src/tools/workspace/descriptors.ts";

/*
 * Between check and use: another program exchanges a directory or a file for a link that leads out, as fast as it can,
 * while each tool works on it again and again. Nothing of what the link leads to is ever shown, changed or created.
 * `bash` is not here: a command may go where it wants on its own, and what holds it is the sandbox.
 */

const port = createBuiltinTools({ hostEnv: {} });
const SECRET = "THE SECRET a";
/** Of each tool against each exchange. */
const ATTEMPTS = 150;

let outside = "";
let root = "";
beforeEach(() => {
  outside = realpathSync(mkdtempSync(join(tmpdir(), "kheish-races-")));
  root = join(outside, "ws");
  for (const directory of [root, join(root, "swap"), join(outside, "target")]) mkdirSync(directory);
  writeFileSync(join(outside, "target", "file"), SECRET);
  writeFileSync(join(root, "swap", "file"), "inside a");
  writeFileSync(join(root, "ok.txt"), "fine");
});
afterEach(() => rmSync(outside, { recursive: true, force: true }));

const CALLS: Record<string, (n: number) => Json> = {
  read_file: () => ({ path: "swap/file" }),
  write_file: (n) => ({ path: `swap/${n % 2 === 0 ? "file" : "new"}`, content: "written a" }),
  edit_file: () => ({ path: "swap/file", old_text: "a", new_text: "a " }),
  apply_patch: () => ({
    hunks: ["ok.txt", "swap/file"].map((path) => ({
      path,
      old_text: path === "ok.txt" ? "fine" : "a",
      new_text: "fine a",
    })),
  }),
  list_files: () => ({ base: "swap" }),
  glob_search: () => ({ base: ".", pattern: "**/*" }),
  grep_search: (n) => ({ base: n % 2 === 0 ? "swap" : ".", pattern: "a" }),
};
/** On a busy machine a tool is tried until it was exchanged as often. */
const LEAST_EXCHANGES = 50;
/** Each search is a thread of its own. */
const FEWER = ["list_files", "glob_search", "grep_search"];

interface Answer {
  isError: boolean;
  output: JsonObject;
}

/** Lets a tool work while another thread exchanges `path`; answers what it said, and how often that was exchanged. */
async function race(name: string, path: string, stand: Stand, target: string) {
  const tool = port.get(name);
  const input = CALLS[name];
  if (tool === undefined || input === undefined) throw new Error(`no tool '${name}'`);
  const answers: Answer[] = [];
  const exchanges = await whileExchanged(path, stand, target, async (exchanged) => {
    const attempts = FEWER.includes(name) ? ATTEMPTS / 25 : ATTEMPTS;
    for (let n = 0; n < attempts || exchanged() <= LEAST_EXCHANGES; n++) {
      const parsed = tool.parse(input(n));
      if (!parsed.ok) throw new Error(parsed.error);
      const context = { ...contextAt(root), idempotency_key: `${name}-${n}` };
      const outcome = await tool.execute(parsed.input, context);
      if (outcome.kind !== "result") throw new Error(outcome.kind);
      answers.push({ isError: outcome.is_error, output: outcome.output as JsonObject });
    }
  });
  return { answers, exchanges };
}

type Stand = "link" | "directory" | "file";

async function whileExchanged(
  path: string,
  stand: Stand,
  target: string,
  work: (exchanged: () => number) => Promise<void>,
): Promise<number> {
  const shared = new SharedArrayBuffer(8);
  const state = new Int32Array(shared);
  const swapper = new Worker(new URL("./swapper.ts", import.meta.url), {
    workerData: { path: join(root, path), stand, target, shared },
  });
  await once(swapper, "message");
  try {
    await work(() => Atomics.load(state, 1));
  } finally {
    Atomics.store(state, 0, 1);
    await once(swapper, "exit");
  }
  return Atomics.load(state, 1);
}

describe.runIf(DESCRIPTORS !== undefined)("03-R9, 03-R10: between check and use", () => {
  test.each(Object.keys(CALLS))("%s goes through no directory that becomes a link", async (name) => {
    const { answers, exchanges } = await race(name, "swap", "link", join(outside, "target"));
    expect(exchanges).toBeGreaterThan(LEAST_EXCHANGES);
    expect(JSON.stringify(answers)).not.toContain("SECRET");
    expect(readdirSync(join(outside, "target"))).toEqual(["file"]);
    expect(readFileSync(join(outside, "target", "file"), "utf8")).toBe(SECRET);
    for (const { isError, output } of answers) if (isError) expect(output.error).toEqual(expect.any(String));
    expect(readdirSync(root).filter((one) => one.startsWith(".kheish"))).toEqual([]);
  });

  test.each(Object.keys(CALLS))("%s takes no link for the file it was", async (name) => {
    const { answers, exchanges } = await race(name, "swap/file", "link", join(outside, "target", "file"));
    expect(exchanges).toBeGreaterThan(LEAST_EXCHANGES);
    expect(JSON.stringify(answers)).not.toContain("SECRET");
    expect(readFileSync(join(outside, "target", "file"), "utf8")).toBe(SECRET);
  });

  test("the search engine, many times faster than a thread can be started", async () => {
    // Many names, so that the exchange falls between the listing and the reading of one of them.
    for (let n = 0; n < 100; n++) {
      writeFileSync(join(root, "swap", `file-${n}`), "inside a");
      writeFileSync(join(outside, "target", `file-${n}`), SECRET);
    }
    const found: (string | GrepMatch)[] = [];
    let done = 0;
    await whileExchanged("swap", "link", join(outside, "target"), async () => {
      // On a busy machine whoever exchanges may stand still for long, with the link in place.
      for (; done < 400 || (found.length === 0 && done < 100_000); done++) {
        const kind = done % 2 === 0 ? "glob" : "grep";
        const pattern = kind === "glob" ? "**" : "a$";
        const request = { root, base: "swap", baseKind: "directory" as const, limit: 200 };
        search({ ...request, kind, pattern }, (item) => found.push(item));
      }
    });
    expect(found.length).toBeGreaterThan(0);
    expect(JSON.stringify(found)).not.toContain("SECRET");
  });

  test.each(["directory", "file"] as const)(
    "a patch against a %s that comes and goes is made whole or not at all",
    async (stand) => {
      const { answers } = await race("apply_patch", "swap/file", stand, "");
      const failed = answers.filter(({ isError }) => isError).length;
      const ok = readFileSync(join(root, "ok.txt"), "utf8");
      // The other file says how often the patch was made.
      const halves = answers.filter(({ output }) => output.not_put_back !== undefined).length;
      expect(ok.split("fine").length - 1).toBe(1);
      const made = ok.split(" a").length - 1;
      expect(made).toBeGreaterThanOrEqual(answers.length - failed);
      expect(made).toBeLessThanOrEqual(answers.length - failed + halves);
    },
  );
});
