import { z } from "zod";
import { JsonObject } from "./json.ts";

const Hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const Millis = z.int().nonnegative();

/** One signed record of something that left the daemon, or of a change by an operator (02-R74 to 02-R77). */
export const ExternalActionAuditRecord = z
  .object({
    action_id: Hex32.describe("Equals `record_hash`."),
    timestamp_ms: Millis,
    session_id: z.string().optional(),
    agent_id: z.string().optional(),
    run_id: z.string().optional(),
    tool_call_id: z.string().optional(),
    principal_id: z.string().optional(),
    parent_principal_id: z.string().optional(),
    grant_id: z.string().optional(),
    phase: z.string().describe("`request`, `response`, `failed`; `applied` for an operator's change."),
    kind: z.string(),
    target: z.string().describe("Of a URL scheme, host and explicit port only."),
    request_digest: z.string().optional(),
    response_digest: z.string().optional(),
    outcome: z.string().optional(),
    prev_hash: Hex32.optional().describe("Absent on the first record of a bucket."),
    record_hash: Hex32,
    signature_alg: z.string(),
    key_id: Hex32.describe("The Ed25519 public key."),
    signature: z.string().regex(/^[0-9a-f]{128}$/),
  })
  .meta({ id: "ExternalActionAuditRecord" });
export type ExternalActionAuditRecord = z.infer<typeof ExternalActionAuditRecord>;

/** An external action as the trace stream tells it, kind `external_action` (02, Events). */
export const ExternalActionTrace = ExternalActionAuditRecord.pick({
  tool_call_id: true,
  phase: true,
  kind: true,
  target: true,
  request_digest: true,
  response_digest: true,
  outcome: true,
}).meta({ id: "ExternalActionTrace" });
export type ExternalActionTrace = z.infer<typeof ExternalActionTrace>;

/** How far a bucket had come when it was signed (02-R77, 02-R79). */
export const AuditCheckpoint = z
  .object({
    bucket: z.string(),
    record_count: z.int().nonnegative(),
    last_record_hash: Hex32.optional(),
    signature_alg: z.string(),
    key_id: Hex32,
    signature: z.string(),
  })
  .meta({ id: "AuditCheckpoint" });
export type AuditCheckpoint = z.infer<typeof AuditCheckpoint>;

/**
 * A key of the ring. `origin`: the first one; one that its predecessor signed for (`rollover`); one that was declared
 * without its predecessor (`boundary`), which nothing connects with what came before.
 */
export const AuditKey = z
  .object({
    number: z.int().positive(),
    timestamp_ms: Millis,
    key_id: Hex32,
    origin: z.enum(["first", "rollover", "boundary"]),
    previous_key_id: Hex32.optional(),
    prev_hash: Hex32.optional(),
    record_hash: Hex32,
    signature_alg: z.string(),
    signature: z.string(),
    previous_signature: z.string().optional(),
  })
  .meta({ id: "AuditKey" });
export type AuditKey = z.infer<typeof AuditKey>;

export const AuditKeyRing = z
  .object({ current_key_id: Hex32, keys: z.array(AuditKey) })
  .meta({ id: "AuditKeyRing" });
export type AuditKeyRing = z.infer<typeof AuditKeyRing>;

export const AuditExportQuery = z.strictObject({
  run_id: z.string().optional(),
  session_id: z.string().optional(),
  since_ms: z
    .union([
      Millis,
      z
        .string()
        .regex(/^[0-9]{1,15}$/, "must be milliseconds since the Unix epoch")
        .transform(Number),
    ])
    .optional(),
  /** Of the page before. */
  cursor: z.string().optional(),
});
export type AuditExportQuery = z.infer<typeof AuditExportQuery>;

/** A part of an export file: its lines in order, and where the next part begins. */
export const AuditExportPage = z
  .object({ lines: z.array(z.string()), next_cursor: z.string().nullable() })
  .meta({ id: "AuditExportPage" });
export type AuditExportPage = z.infer<typeof AuditExportPage>;

/** What an operator's change was: its digest is the record's `request_digest`. */
export const AdminChangeDetail = z.object({
  request_id: z.string().optional(),
  reason: z.string().optional(),
  change: JsonObject,
});
export type AdminChangeDetail = z.infer<typeof AdminChangeDetail>;

/** The ledger's state (02-R80, weakness 11). */
export const AuditStatus = z
  .object({
    ok: z.boolean(),
    key_id: Hex32,
    failure: z
      .object({ since_ms: Millis, reason: z.string() })
      .optional()
      .describe("Why external actions are refused now."),
    damaged_buckets: z.array(z.object({ bucket: z.string(), reason: z.string() })),
    refused_action_count: z.int(),
    unrecorded_outcome_count: z.int(),
    unsigned_bucket_count: z
      .int()
      .describe("Buckets whose last records are chained and not yet signed; the next anchor signs them."),
    anchored: z.object({ number: z.int(), anchor_hash: Hex32, timestamp_ms: Millis }).optional(),
  })
  .meta({ id: "AuditStatus" });
export type AuditStatus = z.infer<typeof AuditStatus>;
