import { createHash } from "node:crypto";
import type { Json } from "@kheish/contract";
import type { ToolBoundary } from "../engine/ports.ts";

const MOST_CHARACTERS = 200;

/**
 * A file or folder of the workspace, as the audit names it: the path as it was given. One that is no plain name may
 * hold anything, and is told by a part of its SHA-256.
 */
export function workspaceBoundary(kind: "file_read" | "file_write", member: "path" | "base") {
  return (input: Json): ToolBoundary => ({ kind, target: targetOf(input, member) });
}

/** The files of a patch: the first of them, and how many more there are. The call's digest covers them all. */
export function patchBoundary(input: Json): ToolBoundary {
  const { hunks } = fieldsOf(input);
  const paths = new Set((Array.isArray(hunks) ? hunks : []).map((hunk) => targetOf(hunk, "path")));
  const [first = "workspace", ...more] = paths;
  return { kind: "file_write", target: more.length === 0 ? first : `${first} and ${more.length} more` };
}

function fieldsOf(input: Json): { [name: string]: Json } {
  return typeof input === "object" && input !== null && !Array.isArray(input) ? input : {};
}

function targetOf(input: Json, member: string): string {
  const path = fieldsOf(input)[member] ?? ".";
  if (typeof path !== "string") return "workspace";
  if (path.length <= MOST_CHARACTERS && /^[\p{L}\p{N} ._/@+,()[\]-]*$/u.test(path))
    return `workspace:${path}`;
  const digest = createHash("sha256").update(path.toWellFormed()).digest("hex");
  return `invalid_path_sha256:${digest.slice(0, 16)}`;
}
