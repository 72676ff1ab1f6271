import type { JsonObject } from "@kheish/contract";
import type { Reconciled, Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import type { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { workspaceBoundary } from "../boundary.ts";
import { sha256Hex } from "../bytes.ts";
import { defineTool } from "../define.ts";
import { ToolFailure } from "../failure.ts";
import { success } from "../outcome.ts";
import { discard, replaceable, replaceFile, statEntry } from "../workspace/replace.ts";
import { requireDigest } from "./digest.ts";
import { traceEdit } from "./edit-history.ts";
import { applyEdit } from "./edit-text.ts";
import { type Entry, withEntry } from "./entry.ts";
import { EditInput } from "./fields.ts";
import { edited, readText, textDigest } from "./text-file.ts";

const DESCRIPTION =
  "Replaces literal text in a UTF-8 file of at most 4 MiB. old_text must occur exactly once unless replace_all is set; " +
  "add surrounding lines to make it unique. Line ends, a byte order mark, mode and owner stay as they are.";

export function editFileTool(locks: KeyedMutex): Tool {
  return defineTool({
    name: "edit_file",
    description: DESCRIPTION,
    schema: EditInput,
    effect: "once",
    timeoutMs: 5_000,
    sandbox: "workspace_write",
    allowsParallel: false,
    boundary: workspaceBoundary("file_write", "path"),
    execute: (input, context) =>
      withEntry(locks, context, input.path, "refuse", (entry) => edit(input, entry, context)),
    reconcile: (input, context) =>
      withEntry(locks, context, input.path, "refuse", (entry) => readBack(input, entry, context.signal)),
  });
}

async function edit(input: EditInput, entry: Entry, context: ToolContext): Promise<ToolOutcome> {
  const previous = await replaceable(entry.directory, entry.name, entry.path);
  if (previous === undefined) throw new ToolFailure(`'${entry.path}' does not exist`);
  const { content, digest } = await readText(entry, context.signal);
  if (input.expected_sha256 !== undefined) requireDigest(entry.path, input.expected_sha256, digest);
  const { text, replacements } = edited(content, input, entry.path);
  const bytes = Buffer.from(text, "utf8");
  // Other daemons may work in the same workspace, and people do: the lock of this one keeps nobody else away (03-R11).
  const confirm = async () => {
    if ((await textDigest(entry)) !== digest) {
      throw new ToolFailure(
        `'${entry.path}' was changed by somebody else while it was edited; read it again`,
      );
    }
  };
  await replaceFile({ ...entry, bytes, previous, confirm, signal: context.signal });
  return success(outputOf(entry.path, replacements, sha256Hex(bytes)), {
    context_updates: [{ type: "file_modified", path: entry.path }],
  });
}

/** What the text says now tells, where it can, what became of a call whose outcome was lost. */
async function readBack(input: EditInput, entry: Entry, signal: AbortSignal): Promise<Reconciled> {
  if ((await statEntry(entry.directory, entry.staging)) !== undefined) {
    await discard(entry.directory, entry.staging);
    return { kind: "not_applied" };
  }
  const { content, digest } = await readText(entry, signal);
  const expected = input.expected_sha256;
  if (digest === expected) return { kind: "not_applied" };
  const trace = traceEdit(
    content,
    input,
    (earlier) => expected !== undefined && sha256Hex(earlier) === expected,
  );
  if (trace.kind === "made") {
    const { replacements } = applyEdit(trace.before, input);
    return { kind: "applied", output: outputOf(entry.path, replacements, digest) };
  }
  if (trace.kind === "not_made" && expected === undefined) return { kind: "not_applied" };
  return { kind: "unknown", detail: `the text of '${entry.path}' does not show whether the edit was made` };
}

function outputOf(path: string, replacements: number, digest: string): JsonObject {
  return { path, replacements, sha256: digest };
}
