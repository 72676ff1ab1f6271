import { createHash } from "node:crypto";
import type { JsonObject } from "@kheish/contract";
import { z } from "zod";
import type { Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import { workspaceBoundary } from "../boundary.ts";
import { TextCheck } from "../bytes.ts";
import { defineTool } from "../define.ts";
import { about } from "../failure.ts";
import { success } from "../outcome.ts";
import { type OpenedFile, openFile } from "../workspace/open.ts";
import { relativePath } from "../workspace/path.ts";
import { eachChunk } from "./digest.ts";
import { path } from "./fields.ts";
import { type LineWindow, WindowReader } from "./line-window.ts";

const MAX_BYTES = 128 * 1024;
const TIMEOUT_MS = 5_000;
/** What of the time a file may be read on for its digest alone. */
const SHARE_OF_TIMEOUT = 0.6;

const ReadFileInput = z
  .strictObject({
    path,
    start_line: z.int().min(1).optional().describe("First line to return, from 1."),
    line_count: z.int().min(1).optional().describe("How many lines to return. Default: up to the end."),
    start_byte: z
      .int()
      .min(0)
      .optional()
      .describe("First byte to return, from 0: continues inside a line that was cut."),
    include_base64: z
      .boolean()
      .optional()
      .describe("Also return the bytes as base64; needed for binary files."),
  })
  .refine((input) => input.start_line === undefined || input.start_byte === undefined, {
    error: "give 'start_line' or 'start_byte', not both",
  });
type ReadFileInput = z.output<typeof ReadFileInput>;

const DESCRIPTION =
  "Reads a file of the workspace. Text comes back exactly as it stands, at most 128 KiB in one call: when 'truncated' " +
  "is true, go on from 'next_start_line' or 'next_start_byte'. 'sha256' is of the whole file, for expected_sha256. " +
  "A file that is not UTF-8 text is reported as binary; ask for include_base64 to get its first 128 KiB. " +
  "Of a file too large to be read whole in time, sha256 is null.";

export function readFileTool(): Tool {
  return defineTool({
    name: "read_file",
    description: DESCRIPTION,
    schema: ReadFileInput,
    effect: "read",
    timeoutMs: TIMEOUT_MS,
    sandbox: "read_only",
    allowsParallel: true,
    boundary: workspaceBoundary("file_read", "path"),
    execute: read,
  });
}

async function read(input: ReadFileInput, context: ToolContext): Promise<ToolOutcome> {
  const relative = relativePath(context.workspace_root, input.path);
  const opened = await openFile(context.workspace_root, relative);
  const scan = await about(relative, () => scanFile(opened, input, context)).finally(() =>
    opened.handle.close(),
  );
  const fields = scan.isText ? textFields(scan, input) : binaryFields(scan, input);
  return success(
    { path: relative, ...fields, size_bytes: opened.stats.size, sha256: scan.sha256 },
    { context_updates: [{ type: "file_read", path: relative }] },
  );
}

interface Scan {
  window: LineWindow;
  /** The first bytes, for a file that turns out to be binary. */
  head: Buffer;
  sizeBytes: number;
  /** Null, as is the number of lines, when there was no time to read on after the window. */
  sha256: string | null;
  isText: boolean;
}

/** One pass over the whole file: digest, kind and window together, in memory bounded by the window. */
async function scanFile(opened: OpenedFile, input: ReadFileInput, context: ToolContext): Promise<Scan> {
  const { clock, limits, signal } = context;
  const until = clock.now() + SHARE_OF_TIMEOUT * Math.min(TIMEOUT_MS, limits.max_timeout_ms);
  const hash = createHash("sha256");
  const text = new TextCheck();
  const reader = new WindowReader({
    startLine: input.start_line ?? 1,
    startByte: input.start_byte,
    lineCount: input.line_count ?? Number.POSITIVE_INFINITY,
    maxBytes: MAX_BYTES,
  });
  const head: Buffer[] = [];
  let sizeBytes = 0;
  const take = (chunk: Buffer) => {
    hash.update(chunk);
    text.push(chunk);
    reader.push(chunk);
    if (sizeBytes < MAX_BYTES) head.push(Buffer.from(chunk.subarray(0, MAX_BYTES - sizeBytes)));
    sizeBytes += chunk.length;
    return !reader.isComplete || clock.now() < until;
  };
  // As it was when it was opened: one that is written to all the time would be read all the time.
  const read = await eachChunk(opened.handle, signal, take, opened.stats.size);
  return {
    window: reader.finish(),
    head: Buffer.concat(head),
    sizeBytes,
    sha256: read < opened.stats.size && reader.isComplete ? null : hash.digest("hex"),
    isText: text.finish(),
  };
}

function textFields({ window, sha256 }: Scan, input: ReadFileInput): JsonObject {
  return {
    start_line: window.startLine,
    line_count: window.lineCount,
    total_lines: sha256 === null ? null : window.totalLines,
    content: window.bytes.toString("utf8"),
    bytes_read: window.bytes.length,
    encoding: "utf-8",
    binary: false,
    truncated: window.truncated,
    ...continuation(window),
    ...(input.include_base64 === true ? { content_base64: window.bytes.toString("base64") } : {}),
  };
}

function continuation({ next }: LineWindow): JsonObject {
  if (next === undefined) return {};
  return "line" in next ? { next_start_line: next.line } : { next_start_byte: next.byte };
}

function binaryFields({ head, sizeBytes }: Scan, input: ReadFileInput): JsonObject {
  return {
    start_line: 1,
    line_count: 0,
    content: "",
    bytes_read: head.length,
    encoding: "binary",
    binary: true,
    truncated: head.length < sizeBytes,
    ...(input.include_base64 === true ? { content_base64: head.toString("base64") } : {}),
  };
}
