/** What is wrong with an exported file, and where. */
export interface Finding {
  /** Counted from 1; of the file. */
  line: number;
  code: FindingCode;
  message: string;
  bucket?: string;
  /** Of the record in its bucket. */
  record?: number;
}

export type FindingCode =
  | "file_malformed"
  | "file_cut"
  | "page_changed"
  | "page_out_of_order"
  | "line_malformed"
  | "record_changed"
  | "record_out_of_order"
  | "record_misplaced"
  | "detail_changed"
  | "signature_wrong"
  | "key_unknown"
  | "key_untrusted"
  | "key_ring_broken"
  | "checkpoint_wrong"
  | "anchor_broken"
  | "bucket_missing"
  | "bucket_cut"
  | "bucket_not_anchored";

export interface VerifyReport {
  ok: boolean;
  lines: number;
  pages: number;
  buckets: number;
  records: number;
  checkpoints: number;
  anchors: number;
  keys: number;
  signatures_checked: number;
  /** The last anchor: a later export of the same store continues it. */
  anchor?: { number: number; anchor_hash: string; timestamp_ms: number };
  /** At most `MOST_FINDINGS`. */
  findings: Finding[];
  notes: string[];
}

export const MOST_FINDINGS = 100;
