import type { JsonObject } from "@kheish/contract";
import { z } from "zod";
import type { Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import { workspaceBoundary } from "../boundary.ts";
import { defineTool } from "../define.ts";
import { ToolFailure } from "../failure.ts";
import { success } from "../outcome.ts";
import type { Slots } from "../slots.ts";
import { locate } from "../workspace/open.ts";
import { ROOT, relativePath } from "../workspace/path.ts";
import { globProblem, regexProblem } from "./patterns.ts";
import type { GrepMatch, SearchRequest } from "./protocol.ts";
import { runSearch } from "./run-search.ts";

const MAX_RESULTS = 200;
const MAX_PATTERN_CHARS = 1_000;
const TIMEOUT_MS = 10_000;
const EVERYTHING = "**";

const pattern = z.string().min(1).max(MAX_PATTERN_CHARS);
const limit = z
  .int()
  .min(1)
  .optional()
  .describe(`How many results to return at most. Default and maximum: ${MAX_RESULTS}.`);

const GlobSearchInput = z.strictObject({
  pattern: pattern
    .superRefine((value, context) => refuse(globProblem(value), context))
    .describe(
      "Glob relative to base, e.g. 'src/**/*.ts'. Without a slash it matches file names at any depth.",
    ),
  base: z
    .string()
    .optional()
    .describe("Directory to search, relative to the workspace root. Default: the root."),
  limit,
});

const ListFilesInput = GlobSearchInput.omit({ pattern: true });

const GrepSearchInput = z.strictObject({
  pattern: pattern
    .superRefine((value, context) => refuse(regexProblem(value), context))
    .describe("JavaScript regular expression, matched line by line. Begin with (?i) to ignore case."),
  base: z
    .string()
    .optional()
    .describe("Directory or file to search, relative to the workspace root. Default: the root."),
  limit,
});

function refuse(reason: string | undefined, context: z.RefinementCtx): void {
  if (reason !== undefined) context.addIssue({ code: "custom", message: reason });
}

const WHAT_IS_SEARCHED =
  "Results are sorted by path. Directories named .git and node_modules are left out unless base lies in them, " +
  "symbolic links are not followed, and 'skipped' counts everything that was left out.";

const descriptor = {
  effect: "read",
  timeoutMs: TIMEOUT_MS,
  sandbox: "read_only",
  allowsParallel: true,
  boundary: workspaceBoundary("file_read", "base"),
} as const;

export function globSearchTool(threads: Slots): Tool {
  return defineTool({
    ...descriptor,
    name: "glob_search",
    description: `Finds files by name. ${WHAT_IS_SEARCHED}`,
    schema: GlobSearchInput,
    async execute(input, context) {
      const request = await requestOf("glob", input, context);
      if (request.baseKind === "file") throw new ToolFailure(`'${request.base}' is a file, not a directory`);
      return answer<string>(threads, request, context, (paths) => ({ pattern: input.pattern, paths }));
    },
  });
}

export function listFilesTool(threads: Slots): Tool {
  return defineTool({
    ...descriptor,
    name: "list_files",
    description: `Lists the files below a directory. ${WHAT_IS_SEARCHED}`,
    schema: ListFilesInput,
    async execute(input, context) {
      const request = await requestOf("glob", { ...input, pattern: EVERYTHING }, context);
      if (request.baseKind === "file") throw new ToolFailure(`'${request.base}' is a file, not a directory`);
      return answer<string>(threads, request, context, (paths) => ({ paths }));
    },
  });
}

export function grepSearchTool(threads: Slots): Tool {
  return defineTool({
    ...descriptor,
    name: "grep_search",
    description: `Finds lines that match a regular expression, in text files of at most 8 MiB. ${WHAT_IS_SEARCHED}`,
    schema: GrepSearchInput,
    async execute(input, context) {
      const request = await requestOf("grep", input, context);
      return answer<GrepMatch>(threads, request, context, (found) => ({
        pattern: input.pattern,
        matches: found.map((match) => ({ ...match })),
      }));
    },
  });
}

type SearchInput = z.output<typeof GrepSearchInput>;

async function requestOf(
  kind: SearchRequest["kind"],
  input: SearchInput,
  context: ToolContext,
): Promise<SearchRequest> {
  const root = context.workspace_root;
  const base = await locate(root, relativePath(root, input.base ?? ROOT));
  return {
    kind,
    root,
    base: base.real,
    baseKind: base.kind,
    pattern: input.pattern,
    limit: Math.min(input.limit ?? MAX_RESULTS, MAX_RESULTS),
  };
}

async function answer<Item>(
  threads: Slots,
  request: SearchRequest,
  context: ToolContext,
  show: (items: Item[]) => JsonObject,
): Promise<ToolOutcome> {
  const { items, end } = await threads.run(context.signal, () =>
    runSearch<Item>(request, TIMEOUT_MS, context),
  );
  const found = { base: request.base, ...show(items) };
  if (end !== undefined) return success({ ...found, truncated: end.truncated, skipped: { ...end.skipped } });
  return success({
    ...found,
    truncated: true,
    timed_out: true,
    note: "time ran out before everything was searched; narrow 'base' or simplify the pattern",
  });
}
