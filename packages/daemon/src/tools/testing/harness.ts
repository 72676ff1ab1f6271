import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Json, JsonObject } from "@kheish/contract";
import { afterEach, beforeEach } from "vitest";
import type { Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import { contextAt } from "./context.ts";

export { MemoryBlobs } from "./context.ts";

/** What the tests of the tools share: a workspace on the real disk, and calls as the engine would make them. */
export interface TestWorkspace {
  /** Holds `root` and whatever lies outside of it. */
  readonly outside: string;
  readonly root: string;
  /** Writes a file below `root`, with its directories. */
  write(path: string, content: string | Uint8Array): string;
  fifo(path: string): void;
}

/** A fresh workspace before each test, gone after it. */
export function useWorkspace(): TestWorkspace {
  let outside = "";
  beforeEach(() => {
    outside = realpathSync(mkdtempSync(join(tmpdir(), "kheish-tools-")));
    mkdirSync(join(outside, "ws"));
  });
  afterEach(() => rmSync(outside, { recursive: true, force: true }));
  return {
    get outside() {
      return outside;
    },
    get root() {
      return join(outside, "ws");
    },
    write(path, content) {
      const absolute = join(outside, "ws", path);
      mkdirSync(dirname(absolute), { recursive: true });
      writeFileSync(absolute, content);
      return absolute;
    },
    fifo: (path) => void execFileSync("mkfifo", [join(outside, "ws", path)]),
  };
}

export function contextOf(workspace: TestWorkspace, overrides: Partial<ToolContext> = {}): ToolContext {
  return { ...contextAt(workspace.root), ...overrides };
}

type Result = Extract<ToolOutcome, { kind: "result" }>;

/** Validates and executes, as the engine does. */
export async function call(tool: Tool, input: Json, context: ToolContext): Promise<Result> {
  const parsed = tool.parse(input);
  if (!parsed.ok) throw new Error(parsed.error);
  const outcome = await tool.execute(parsed.input, context);
  if (outcome.kind !== "result") throw new Error("the tool asked instead of answering");
  return outcome;
}

export async function succeed(tool: Tool, input: Json, context: ToolContext): Promise<JsonObject> {
  const { output, is_error } = await call(tool, input, context);
  if (is_error) throw new Error(JSON.stringify(output));
  return output as JsonObject;
}

/** The words of a refusal. */
export async function fail(tool: Tool, input: Json, context: ToolContext): Promise<string> {
  const { output, is_error } = await call(tool, input, context);
  if (!is_error) throw new Error(`not refused: ${JSON.stringify(output)}`);
  return String((output as JsonObject).error);
}

/** Why the input itself is refused. */
export function mismatch(tool: Tool, input: Json): string {
  const parsed = tool.parse(input);
  if (parsed.ok) throw new Error(`accepted: ${JSON.stringify(parsed.input)}`);
  return parsed.error;
}
