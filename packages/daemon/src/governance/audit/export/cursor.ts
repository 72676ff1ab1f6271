import { problem } from "@kheish/contract";
import { z } from "zod";

/** Where an export stands. It says everything about the export, so that its pages fit together or not at all. */
const ExportCursor = z.strictObject({
  exported_at_ms: z.int(),
  selection: z.strictObject({
    run_id: z.string().optional(),
    session_id: z.string().optional(),
    since_ms: z.int().optional(),
  }),
  /** The last anchor of the export, and the journal position that it covers. */
  anchor: z.int(),
  position: z.int(),
  /** Buckets that have not moved since are not in it. */
  since_position: z.int(),
  at: z.discriminatedUnion("stage", [
    z.strictObject({ stage: z.literal("anchors"), next: z.int() }),
    z.strictObject({ stage: z.literal("buckets"), after: z.string().optional(), seq: z.int() }),
  ]),
});
export type ExportCursor = z.infer<typeof ExportCursor>;

export function encodeCursor(cursor: ExportCursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString("base64url");
}

export function decodeCursor(text: string): ExportCursor {
  try {
    return ExportCursor.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
  } catch {
    throw problem(
      "pagination",
      "invalid_cursor",
      "the cursor is not one of an audit export; begin without one",
    );
  }
}
