import { z } from "zod";

/** Grows when an archive cannot be read any more by whoever knows the number before. */
export const BACKUP_FORMAT = 1;

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** The last but one entry of a backup archive: what the archive holds, and what it leaves out. */
export const BackupManifest = z
  .object({
    format: z.int().positive(),
    backup_id: z.string(),
    created_at_ms: z.int(),
    /** The version of Kheish that wrote it. */
    kheish_version: z.string(),
    engine: z.enum(["sqlite", "postgres"]),
    schema_version: z.int().positive(),
    instance_id: z.string().describe("The state root that it was taken of."),
    /** Journal position of the newest event in it. */
    journal_head: z.int().nonnegative(),
    /** Rows per table. */
    rows: z.record(z.string(), z.int().nonnegative()),
    blobs: z.object({
      count: z.int().nonnegative(),
      size_bytes: z.int().nonnegative(),
      sha256: digest.describe("SHA-256 over one line '<sha256> <size>' per blob, in their order."),
    }),
    /** Every other entry before this one, in order. */
    entries: z.array(z.object({ name: z.string(), size_bytes: z.int().nonnegative(), sha256: digest })),
    left_out: z.array(z.object({ what: z.string(), why: z.string() })),
  })
  .meta({ id: "BackupManifest" });
export type BackupManifest = z.infer<typeof BackupManifest>;
