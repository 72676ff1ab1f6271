import type { Json } from "@kheish/sdk";

/** What a call does to a file, as far as its input says. `before` is empty where the whole file is written. */
export interface Change {
  path: string;
  before: string;
  after: string;
}

/** The changes of files that a call asks for; undefined where it is another kind of call. */
export function changesOf(tool: string, input: Json): Change[] | undefined {
  if (tool === "write_file") {
    const { path, content } = fieldsOf(input);
    return isText(path) && isText(content) ? [{ path, before: "", after: content }] : undefined;
  }
  const edits = tool === "edit_file" ? [input] : tool === "apply_patch" ? fieldsOf(input).hunks : undefined;
  if (!Array.isArray(edits)) return undefined;
  const changes = edits.map((edit) => {
    const { path, old_text, new_text } = fieldsOf(edit as Json);
    return isText(path) && isText(old_text) && isText(new_text)
      ? { path, before: old_text, after: new_text }
      : undefined;
  });
  return changes.every((change) => change !== undefined) ? changes : undefined;
}

/** The input's other fields, which a difference does not show. */
export function besides(input: Json): Record<string, Json> {
  const shown = new Set(["path", "content", "old_text", "new_text", "hunks"]);
  return Object.fromEntries(Object.entries(fieldsOf(input)).filter(([name]) => !shown.has(name)));
}

export function fieldsOf(input: Json): Record<string, Json> {
  return typeof input === "object" && input !== null && !Array.isArray(input) ? input : {};
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
