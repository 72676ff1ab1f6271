import type { AuditKey } from "@kheish/contract";
import type { Anchor } from "../anchor.ts";
import { EXPORT_FORMAT, EXPORT_VERSION, type Selection } from "../export/lines.ts";
import { flawOfKeyRecord } from "../keys/key-record.ts";
import { Verifier } from "../keys/signer.ts";
import type { PageReport, Span } from "./page.ts";
import { type Finding, type FindingCode, MOST_FINDINGS, type VerifyReport } from "./report.ts";

export interface FileOptions {
  /** Public keys that are known from elsewhere. Without them, the file is only shown to agree with itself. */
  trustedKeyIds?: readonly string[];
  /**
   * An anchor that was seen before, as an earlier report told it. Whoever may write to the whole store can also make it
   * what it was once; that shows only to those who remember.
   */
  expectedAnchor?: { number: number; anchor_hash: string };
}

interface Point {
  line: number;
  count: number;
  hash: string | undefined;
}

/** Puts the pages of a file together: that none is missing, that the chains go through, that the anchors agree. */
export class FileCheck {
  readonly #options: FileOptions;
  readonly #findings: Finding[] = [];
  readonly #notes: string[] = [];
  readonly #keys: AuditKey[] = [];
  readonly #ends = new Map<string, Point>();
  readonly #anchored = new Map<string, { count: number; hash: string; line: number }>();
  readonly #totals = { lines: 0, pages: 0, records: 0, checkpoints: 0, anchors: 0, signatures: 0 };
  #selection: Selection = {};
  #next: string | null = "";
  #anchor: Anchor | undefined;
  #headerAnchor: { number: number; anchor_hash: string } | undefined;
  #lastBucket: string | undefined;
  #remembered: string | undefined;

  constructor(options: FileOptions) {
    this.#options = options;
  }

  /** In the order of the file. */
  add(page: PageReport): void {
    const isFirst = this.#totals.pages === 0;
    this.#totals.pages += 1;
    this.#totals.lines += page.lines;
    this.#totals.records += page.records;
    this.#totals.checkpoints += page.checkpoints;
    this.#totals.anchors += page.anchors.length;
    this.#totals.signatures += page.signatures;
    for (const finding of page.findings) this.#add(finding);
    this.#onHeader(page, isFirst);
    this.#onOrder(page);
    for (const { line, key } of page.keys) this.#onKey(line, key);
    for (const { line, anchor } of page.anchors) this.#onAnchor(line, anchor);
    for (const span of page.spans) this.#onSpan(span);
  }

  finish(): VerifyReport {
    const line = this.#totals.lines + 1;
    if (this.#totals.pages === 0) this.#find(line, "file_malformed", "the file is empty");
    else if (this.#next !== null) this.#find(line, "file_cut", "the end of the file is missing");
    this.#checkTrust(line);
    this.#checkRemembered(line);
    this.#checkHeaderAnchor(line);
    this.#checkAnchored(line);
    const { signatures, ...totals } = this.#totals;
    const anchor = this.#anchor;
    return {
      ok: this.#findings.length === 0,
      ...totals,
      buckets: this.#ends.size,
      keys: this.#keys.length,
      signatures_checked: signatures,
      ...(anchor === undefined
        ? {}
        : {
            anchor: {
              number: anchor.number,
              anchor_hash: anchor.anchor_hash,
              timestamp_ms: anchor.timestamp_ms,
            },
          }),
      findings: this.#findings,
      notes: this.#notes,
    };
  }

  #find(
    line: number,
    code: FindingCode,
    message: string,
    at: { bucket?: string; record?: number } = {},
  ): void {
    this.#add({ line, code, message, ...at });
  }

  #add(finding: Finding): void {
    if (this.#findings.length < MOST_FINDINGS) this.#findings.push(finding);
  }

  #onHeader({ header, firstLine }: PageReport, isFirst: boolean): void {
    if (header === undefined) {
      if (isFirst) this.#find(firstLine, "file_malformed", "the file does not begin with its header");
      return;
    }
    if (!isFirst) this.#find(firstLine, "file_malformed", "a second header stands in the file");
    if (header.format !== EXPORT_FORMAT || header.version !== EXPORT_VERSION)
      this.#find(firstLine, "file_malformed", "this version cannot read the file's format");
    this.#selection = header.selection ?? {};
    this.#headerAnchor = header.anchor;
  }

  #onOrder({ seal, firstLine }: PageReport): void {
    if (seal === undefined) return;
    if (this.#next === null) this.#find(firstLine, "page_out_of_order", "lines follow the end of the export");
    else if (seal.from !== this.#next)
      this.#find(
        firstLine,
        "page_out_of_order",
        "a page is missing, repeated, out of order or of another export",
      );
    this.#next = seal.to;
  }

  #onKey(line: number, key: AuditKey): void {
    const flaw = flawOfKeyRecord(key, this.#keys.at(-1), new Verifier());
    if (flaw !== undefined) this.#find(line, "key_ring_broken", flaw);
    this.#keys.push(key);
  }

  #onAnchor(line: number, anchor: Anchor): void {
    const last = this.#anchor;
    const isPart = this.#selection.since_ms !== undefined || this.#selection.run_id !== undefined;
    const continues =
      last === undefined
        ? isPart || (anchor.number === 1 && anchor.prev_hash === undefined)
        : anchor.number === last.number + 1 && anchor.prev_hash === last.anchor_hash;
    if (!continues)
      this.#find(
        line,
        "anchor_broken",
        `anchor ${anchor.number} does not follow anchor ${last?.number ?? 0}`,
      );
    this.#anchor = anchor;
    if (anchor.number === this.#options.expectedAnchor?.number) this.#remembered = anchor.anchor_hash;
    for (const [bucket, count, hash] of anchor.heads) {
      const known = this.#anchored.get(bucket);
      if (known !== undefined && known.count > count)
        this.#find(
          line,
          "anchor_broken",
          `anchor ${anchor.number} has fewer records of '${bucket}' than before`,
        );
      this.#anchored.set(bucket, { count, hash, line });
    }
  }

  #onSpan({ bucket, line, sealed, before, after }: Span): void {
    const end = this.#ends.get(bucket);
    if (end !== undefined && this.#lastBucket !== bucket)
      this.#find(line, "record_out_of_order", `'${bucket}' stands in more than one place`, { bucket });
    else if (end !== undefined && (before.count !== end.count || before.hash !== end.hash))
      this.#find(
        line,
        "record_out_of_order",
        `record ${before.count + 1} of '${bucket}' follows record ${end.count}: records are missing, repeated or out of order`,
        { bucket, record: before.count + 1 },
      );
    else if (end === undefined && before.count !== 0 && !(sealed && this.#selection.since_ms !== undefined))
      this.#find(
        line,
        "record_out_of_order",
        `the first ${before.count} records of '${bucket}' are missing`,
        {
          bucket,
          record: before.count + 1,
        },
      );
    else if (end === undefined && before.count === 0 && before.hash !== undefined)
      this.#find(line, "record_changed", `record 1 of '${bucket}' names one before it`, {
        bucket,
        record: 1,
      });
    this.#ends.set(bucket, { line, ...after });
    this.#lastBucket = bucket;
  }

  /** Keys that a given one vouches for, or that vouch for it: hand-overs that both sides signed. */
  #checkTrust(line: number): void {
    const boundaries = this.#keys.filter(({ origin }) => origin === "boundary");
    for (const { number } of boundaries)
      this.#notes.push(`key ${number} was declared without the key before it: nothing connects the two`);
    const given = this.#options.trustedKeyIds;
    if (given === undefined) {
      const newest = this.#keys.at(-1)?.key_id;
      if (newest !== undefined)
        this.#notes.push(
          `no public key was given: the file agrees with itself; compare its key ${newest} with one from elsewhere`,
        );
      return;
    }
    const groups: AuditKey[][] = [];
    for (const key of this.#keys) {
      if (key.origin === "rollover") groups.at(-1)?.push(key);
      else groups.push([key]);
    }
    for (const group of groups) {
      if (group.some(({ key_id: id }) => given.includes(id))) continue;
      const ids = group.map(({ key_id: id }) => id).join(", ");
      this.#find(line, "key_untrusted", `none of the given public keys vouches for key ${ids}`);
    }
  }

  #checkRemembered(line: number): void {
    const expected = this.#options.expectedAnchor;
    if (expected === undefined || expected.anchor_hash === this.#remembered) return;
    const what = this.#remembered === undefined ? "is not in the file" : "is another one here";
    this.#find(
      line,
      "anchor_broken",
      `anchor ${expected.number}, which was seen before, ${what}: the store was set back`,
    );
  }

  #checkHeaderAnchor(line: number): void {
    const named = this.#headerAnchor;
    const last = this.#anchor;
    if (named?.number === last?.number && named?.anchor_hash === last?.anchor_hash) return;
    this.#find(
      line,
      "anchor_broken",
      `the header names anchor ${named?.number}, the last one is ${last?.number}`,
    );
  }

  /** The file holds what the anchors say, neither more nor less. */
  #checkAnchored(line: number): void {
    const { run_id: runId, session_id: sessionId } = this.#selection;
    for (const [bucket, end] of this.#ends) {
      const anchored = this.#anchored.get(bucket);
      if (anchored === undefined || end.count > anchored.count)
        this.#find(
          end.line,
          "bucket_not_anchored",
          `'${bucket}' has ${end.count} records, anchored are ${anchored?.count ?? 0}`,
          { bucket },
        );
      else if (end.count < anchored.count)
        this.#find(
          end.line,
          "bucket_cut",
          `'${bucket}' ends with record ${end.count}, anchored are ${anchored.count}: its end is missing`,
          { bucket, record: end.count + 1 },
        );
      else if (end.hash !== anchored.hash)
        this.#find(
          end.line,
          "record_changed",
          `record ${end.count} of '${bucket}' is not the one that was anchored`,
          {
            bucket,
            record: end.count,
          },
        );
    }
    for (const [bucket, { count }] of this.#anchored) {
      const belongs = runId === undefined ? sessionId === undefined : bucket === runId;
      if (belongs && !this.#ends.has(bucket))
        this.#find(line, "bucket_missing", `'${bucket}' is missing: it has ${count} records`, { bucket });
    }
  }
}
