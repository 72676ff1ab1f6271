import type { AuditCheckpoint, AuditKey, Json } from "@kheish/contract";
import { digest } from "../../../engine/ledger.ts";
import { type Anchor, anchorHash, anchorInput } from "../anchor.ts";
import { checkpointInput } from "../checkpoint.ts";
import {
  type AnchorLine,
  type CheckpointLine,
  type HeaderLine,
  type KeyLine,
  LINE_SHAPES,
  type RecordLine,
  SEAL_PREFIX,
  type SealLine,
  sealInput,
} from "../export/lines.ts";
import { Verifier } from "../keys/signer.ts";
import { bucketOf, recordHash, SIGNATURE_ALG, sha256, signatureInput, signedRecord } from "../record.ts";
import { type Finding, type FindingCode, MOST_FINDINGS } from "./report.ts";

/** A part of a bucket that stands in one page. What it continues is for whoever sees all pages to check. */
export interface Span {
  bucket: string;
  line: number;
  /** Begins with a checkpoint, which speaks for what is before it. */
  sealed: boolean;
  before: { count: number; hash: string | undefined };
  after: { count: number; hash: string | undefined };
}

/** What one page says, and what is wrong with it by itself. */
export interface PageReport {
  firstLine: number;
  lines: number;
  header?: HeaderLine;
  keys: { line: number; key: AuditKey }[];
  anchors: { line: number; anchor: Anchor }[];
  spans: Span[];
  seal?: { line: number; from: string; to: string | null };
  records: number;
  checkpoints: number;
  signatures: number;
  findings: Finding[];
}

export interface PageOptions {
  firstLine: number;
  /** Keys that may have signed; undefined: those that the page itself brings. */
  keyIds?: readonly string[];
  /** Checks what the chain vouches for, too. A page whose seal does not hold is always looked at like that. */
  everySignature: boolean;
}

/**
 * Checks one page of an exported file: its seal, each line by itself, and the chains as far as the page shows them.
 * Every hash is recomputed. A signature is checked where it proves something that nothing else does: seals, anchors,
 * checkpoints, and the last record of each span, whose chain speaks for the records before it.
 */
export function verifyPage(page: Uint8Array, options: PageOptions): PageReport {
  return new PageCheck(options).run(Buffer.from(page.buffer, page.byteOffset, page.byteLength));
}

class PageCheck {
  readonly #options: PageOptions;
  readonly #verifier = new Verifier();
  readonly #report: PageReport;
  #careful: boolean;
  #known: Set<string>;
  #line: number;
  #span: Span | undefined;
  /** The record that ends the span so far, still to be checked. */
  #pending: { line: number; row: RecordLine } | undefined;

  constructor(options: PageOptions) {
    this.#options = options;
    this.#careful = options.everySignature;
    this.#known = new Set(options.keyIds);
    this.#line = options.firstLine;
    this.#report = {
      firstLine: options.firstLine,
      lines: 0,
      keys: [],
      anchors: [],
      spans: [],
      records: 0,
      checkpoints: 0,
      signatures: 0,
      findings: [],
    };
  }

  run(page: Buffer): PageReport {
    const texts = page.toString("utf8").split("\n");
    if (texts.at(-1) === "") texts.pop();
    this.#report.lines = texts.length;
    const sealText = texts.at(-1)?.startsWith(SEAL_PREFIX) ? texts.pop() : undefined;
    const sealFinding = this.#seal(page, texts.length, sealText);
    this.#careful ||= sealFinding !== undefined;
    for (const text of texts) {
      this.#readLine(text);
      this.#line += 1;
    }
    this.#endSpan();
    if (sealFinding !== undefined) this.#report.findings.push(sealFinding);
    return this.#report;
  }

  #find(
    code: FindingCode,
    message: string,
    at: { line?: number; bucket?: string; record?: number } = {},
  ): void {
    if (this.#report.findings.length >= MOST_FINDINGS) return;
    this.#report.findings.push({ line: this.#line, code, message, ...at });
  }

  /** What is wrong with the page as a whole; told last, because what is wrong in it is more precise. */
  #seal(page: Buffer, lines: number, text: string | undefined): Finding | undefined {
    const line = this.#options.firstLine + lines;
    if (text === undefined)
      return { line, code: "file_cut", message: "the file ends in the middle of a page: its end is missing" };
    const flaw = this.#flawOfSeal(page, lines, text, line);
    if (flaw === undefined) return undefined;
    return { line, code: "page_changed", message: `lines ${this.#options.firstLine} to ${line}: ${flaw}` };
  }

  #flawOfSeal(page: Buffer, lines: number, text: string, line: number): string | undefined {
    const seal = parse<SealLine>(text);
    if (
      seal === undefined ||
      typeof seal.from !== "string" ||
      (seal.to !== null && typeof seal.to !== "string")
    )
      return "the page's seal is malformed";
    this.#report.seal = { line, from: seal.from, to: seal.to };
    const sealStart = page.lastIndexOf(SEAL_PREFIX);
    const digest = sha256(page.subarray(0, sealStart));
    if (!this.#isSigned(sealInput(seal), seal)) return "the signature of the page's seal is wrong";
    if (seal.lines !== lines || seal.sha256 !== digest) return "the page is not what was sealed";
    const canonical = JSON.stringify({
      type: "seal",
      from: seal.from,
      to: seal.to,
      lines: seal.lines,
      sha256: seal.sha256,
      signature_alg: seal.signature_alg,
      key_id: seal.key_id,
      signature: seal.signature,
    });
    const rest = page.subarray(sealStart).toString("utf8");
    return rest === `${canonical}\n` ? undefined : "the page's seal is not as it was written";
  }

  #isSigned(input: string, by: { key_id: string; signature_alg: string; signature: string }): boolean {
    this.#report.signatures += 1;
    return by.signature_alg === SIGNATURE_ALG && this.#verifier.isValid(input, by.key_id, by.signature);
  }

  #isKnown(keyId: string, what: string): boolean {
    if (this.#known.has(keyId)) return true;
    this.#find("key_unknown", `${what} names key ${keyId}, which is not in the file's key ring`);
    return false;
  }

  #readLine(text: string): void {
    const row = parse<{ type: string }>(text);
    // A record is looked at member by member anyway.
    if (row?.type !== "record" && !hasShape(row)) {
      this.#find("line_malformed", "this is no line of an audit export");
      return;
    }
    try {
      if (row?.type === "record") this.#onRecord(row as RecordLine, text);
      else if (row?.type === "checkpoint") this.#onCheckpoint((row as CheckpointLine).checkpoint, text);
      else if (row?.type === "anchor") this.#onAnchor((row as AnchorLine).anchor, text);
      else if (row?.type === "key") this.#onKey((row as KeyLine).key);
      else this.#onHeader(row as HeaderLine, text);
    } catch {
      // A line of the right type and the wrong shape.
      this.#find("line_malformed", `this ${row?.type} line does not have the shape of one`);
    }
  }

  /** In a page that does not hold, what a line's own hash does not cover is compared with how it was written. */
  #mustBeCanonical(text: string, canonical: object): void {
    if (this.#careful && JSON.stringify(canonical) !== text)
      this.#find("line_malformed", "this line is not as it was written");
  }

  #onHeader(header: HeaderLine, text: string): void {
    this.#report.header = header;
    const { type, format, version, exported_at_ms, selection, anchor } = header;
    this.#mustBeCanonical(text, {
      type,
      format,
      version,
      exported_at_ms,
      selection,
      ...(anchor === undefined ? {} : { anchor }),
    });
  }

  #onKey(key: AuditKey): void {
    this.#report.keys.push({ line: this.#line, key });
    if (this.#options.keyIds === undefined) this.#known.add(key.key_id);
  }

  #onAnchor(anchor: Anchor, text: string): void {
    this.#report.anchors.push({ line: this.#line, anchor });
    const what = `anchor ${anchor.number}`;
    if (anchorHash(anchor) !== anchor.anchor_hash)
      this.#find("anchor_broken", `${what} was changed: its hash does not match`);
    else if (this.#isKnown(anchor.key_id, what)) {
      if (!this.#isSigned(anchorInput(anchor.anchor_hash, anchor.key_id), anchor))
        this.#find("signature_wrong", `the signature of ${what} is wrong`);
    }
    this.#mustBeCanonical(text, {
      type: "anchor",
      anchor: {
        number: anchor.number,
        timestamp_ms: anchor.timestamp_ms,
        position: anchor.position,
        heads: anchor.heads,
        ...(anchor.prev_hash === undefined ? {} : { prev_hash: anchor.prev_hash }),
        anchor_hash: anchor.anchor_hash,
        signature_alg: anchor.signature_alg,
        key_id: anchor.key_id,
        signature: anchor.signature,
      },
    });
  }

  #onCheckpoint(checkpoint: AuditCheckpoint, text: string): void {
    const { bucket, record_count: count, last_record_hash: hash } = checkpoint;
    this.#report.checkpoints += 1;
    const span = this.#span;
    if (span === undefined || span.bucket !== bucket) {
      this.#endSpan();
      this.#span = {
        bucket,
        line: this.#line,
        sealed: true,
        before: { count, hash },
        after: { count, hash },
      };
    } else if (span.after.count !== count || span.after.hash !== hash) {
      const message = `the checkpoint of '${bucket}' at record ${count} stands behind record ${span.after.count} or does not match it`;
      this.#find("checkpoint_wrong", message, { bucket, record: count });
    }
    if (this.#isKnown(checkpoint.key_id, `the checkpoint of '${bucket}'`)) {
      if (!this.#isSigned(checkpointInput(checkpoint), checkpoint))
        this.#find(
          "signature_wrong",
          `the signature of the checkpoint of '${bucket}' at record ${count} is wrong`,
          {
            bucket,
          },
        );
    }
    this.#mustBeCanonical(text, {
      type: "checkpoint",
      checkpoint: {
        bucket,
        record_count: count,
        last_record_hash: hash,
        signature_alg: checkpoint.signature_alg,
        key_id: checkpoint.key_id,
        signature: checkpoint.signature,
      },
    });
  }

  #onRecord(row: RecordLine, text: string): void {
    const { bucket, number, record, detail } = row;
    if (typeof bucket !== "string" || typeof number !== "number" || typeof record !== "object")
      throw new TypeError("no record");
    const at = { bucket, record: number };
    this.#report.records += 1;
    const prev = record.prev_hash;
    if (this.#span?.bucket !== bucket) {
      this.#endSpan();
      const before = { count: number - 1, hash: prev };
      this.#span = { bucket, line: this.#line, sealed: false, before, after: before };
    }
    const { after } = this.#span;
    if (number !== after.count + 1)
      this.#find(
        "record_out_of_order",
        `record ${number} of '${bucket}' follows record ${after.count}: records are missing, repeated or out of order`,
        at,
      );
    else if (prev !== after.hash)
      this.#find(
        "record_out_of_order",
        `record ${number} of '${bucket}' does not continue the record before it`,
        at,
      );
    if (recordHash(record) !== record.record_hash)
      this.#find(
        "record_changed",
        `record ${number} of '${bucket}' was changed: its hash does not match`,
        at,
      );
    else if (record.action_id !== record.record_hash || record.signature_alg !== SIGNATURE_ALG)
      this.#find(
        "record_changed",
        `record ${number} of '${bucket}' was changed: its id or algorithm is wrong`,
        at,
      );
    if (bucketOf(record) !== bucket)
      this.#find("record_misplaced", `record ${number} of '${bucket}' belongs to '${bucketOf(record)}'`, at);
    this.#checkDetail(row);
    this.#span.after = { count: number, hash: record.record_hash };
    this.#pending = { line: this.#line, row };
    if (!this.#careful) return;
    this.#checkSignature();
    const told = signedRecord(record, record.record_hash, record.key_id, record.signature);
    const canonical = { ...told, action_id: record.action_id, signature_alg: record.signature_alg };
    this.#mustBeCanonical(text, {
      type: "record",
      bucket,
      number,
      record: canonical,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  #checkDetail({ bucket, number, record, detail }: RecordLine): void {
    if (detail === undefined) {
      if (record.kind === "admin_change")
        this.#find("detail_changed", `what record ${number} of '${bucket}' was about is missing`, {
          bucket,
          record: number,
        });
      return;
    }
    if (digest(detail as unknown as Json) !== record.request_digest)
      this.#find("detail_changed", `what record ${number} of '${bucket}' was about was changed`, {
        bucket,
        record: number,
      });
  }

  #checkSignature(): void {
    const { line, row } = this.#pending ?? {};
    this.#pending = undefined;
    if (row === undefined || line === undefined) return;
    const { bucket, number, record } = row;
    const what = `record ${number} of '${bucket}'`;
    if (!this.#isKnown(record.key_id, what)) return;
    if (!this.#isSigned(signatureInput(record, record.record_hash, record.key_id), record))
      this.#find("signature_wrong", `the signature of ${what} is wrong`, { line, bucket, record: number });
  }

  #endSpan(): void {
    this.#checkSignature();
    if (this.#span !== undefined) this.#report.spans.push(this.#span);
    this.#span = undefined;
  }
}

function hasShape(row: { type: string } | undefined): boolean {
  if (row === undefined || !Object.hasOwn(LINE_SHAPES, row.type)) return false;
  return LINE_SHAPES[row.type as keyof typeof LINE_SHAPES].safeParse(row).success;
}

function parse<T>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
