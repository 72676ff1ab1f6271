import {
  type AdminChangeDetail,
  AuditCheckpoint,
  AuditKey,
  type ExternalActionAuditRecord,
} from "@kheish/contract";
import { z } from "zod";
import type { Anchor } from "../anchor.ts";
import { SIGNATURE_ALG } from "../record.ts";

/**
 * The exported file: lines of JSON in pages, each page sealed by a signature over its bytes. Header, keys, anchors, then
 * bucket after bucket with its records and checkpoints. docs/audit.md has the format for other readers.
 */
export const EXPORT_FORMAT = "kheish-audit";
export const EXPORT_VERSION = 1;

export interface Selection {
  run_id?: string;
  session_id?: string;
  since_ms?: number;
}

export interface HeaderLine {
  type: "header";
  format: typeof EXPORT_FORMAT;
  version: number;
  exported_at_ms: number;
  selection: Selection;
  /** Of the last anchor in the file; absent when nothing was ever written. */
  anchor?: { number: number; anchor_hash: string };
}
export interface KeyLine {
  type: "key";
  key: AuditKey;
}
export interface AnchorLine {
  type: "anchor";
  anchor: Anchor;
}
export interface RecordLine {
  type: "record";
  bucket: string;
  number: number;
  record: ExternalActionAuditRecord;
  detail?: AdminChangeDetail;
}
export interface CheckpointLine {
  type: "checkpoint";
  checkpoint: AuditCheckpoint;
}
/** Ends a page. `from` and `to` connect the pages of one export; `to` of the last one is null. */
export interface SealLine {
  type: "seal";
  from: string;
  to: string | null;
  lines: number;
  sha256: string;
  signature_alg: string;
  key_id: string;
  signature: string;
}
export type ExportLine = HeaderLine | KeyLine | AnchorLine | RecordLine | CheckpointLine | SealLine;

/** The shapes of lines that a reader relies on. Records are many, and looked at member by member. */
export const LINE_SHAPES = {
  header: z.looseObject({
    format: z.string(),
    version: z.number(),
    selection: z.looseObject({
      run_id: z.string().optional(),
      session_id: z.string().optional(),
      since_ms: z.number().optional(),
    }),
    anchor: z.looseObject({ number: z.number(), anchor_hash: z.string() }).optional(),
  }),
  key: z.looseObject({ key: AuditKey }),
  anchor: z.looseObject({
    anchor: z.looseObject({
      number: z.number(),
      position: z.number(),
      heads: z.array(z.tuple([z.string(), z.number(), z.string()])),
    }),
  }),
  checkpoint: z.looseObject({ checkpoint: AuditCheckpoint }),
};

/** How the seal of a page begins, by which pages are told apart. */
export const SEAL_PREFIX = '{"type":"seal"';

export type UnsignedSeal = Pick<SealLine, "from" | "to" | "lines" | "sha256" | "key_id">;

/** The bytes that a seal's signature is of. */
export function sealInput(seal: UnsignedSeal): string {
  return JSON.stringify({
    from: seal.from,
    to: seal.to,
    lines: seal.lines,
    sha256: seal.sha256,
    signature_alg: SIGNATURE_ALG,
    key_id: seal.key_id,
  });
}
