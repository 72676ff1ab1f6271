import type { AuditExportPage, AuditExportQuery } from "@kheish/contract";
import type { Clock } from "../../../kernel/clock.ts";
import type { ListedRecord, Store, StoredEvent } from "../../../kernel/store.ts";
import type { Anchor } from "../anchor.ts";
import { ANCHOR_STREAM, anchorAt } from "../anchors.ts";
import { readRing } from "../keys/ring.ts";
import type { Signer } from "../keys/signer.ts";
import { SIGNATURE_ALG, sha256 } from "../record.ts";
import { signActions } from "../signed.ts";
import {
  BUCKET_KIND,
  BUCKET_STREAM_PREFIX,
  bucketStream,
  type ChainPoint,
  checkpointOf,
  pointAfter,
} from "../stored.ts";
import { decodeCursor, type ExportCursor, encodeCursor } from "./cursor.ts";
import { EXPORT_FORMAT, EXPORT_VERSION, type ExportLine, type Selection, sealInput } from "./lines.ts";

export interface ExporterOptions {
  store: Store;
  clock: Clock;
  signer: Signer;
  /** Anchors everything that was written so far; answers the last anchor. */
  anchor: () => Promise<Anchor | undefined>;
  /** Lines of a page, about; 1,000. */
  pageLines?: number;
}

const PAGE_LINES = 1_000;
const EVENTS = 200;
const BUCKETS = 100;

/**
 * Exports what the last anchor covers, page by page, whatever is written meanwhile. What is damaged is exported as it
 * stands in the store: to say so is the verifier's job.
 */
export class AuditExporter {
  readonly #options: ExporterOptions;
  readonly #pageLines: number;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#pageLines = options.pageLines ?? PAGE_LINES;
  }

  async page({ cursor, ...selection }: AuditExportQuery): Promise<AuditExportPage> {
    const lines: string[] = [];
    const put = (line: ExportLine) => lines.push(JSON.stringify(line));
    const at = cursor === undefined ? await this.#begin(selected(selection), put) : decodeCursor(cursor);
    const next = at.at.stage === "anchors" ? await this.#anchors(at, at.at.next, lines, put) : at;
    const end = next.at.stage === "buckets" ? await this.#buckets(next, next.at, lines, put) : next;
    const to = end === undefined ? null : encodeCursor(end);
    lines.push(await this.#seal(lines, cursor ?? "", to));
    return { lines, next_cursor: to };
  }

  async #begin(selection: Selection, put: (line: ExportLine) => void): Promise<ExportCursor> {
    const { store, clock, anchor } = this.#options;
    const last = await anchor();
    const exportedAt = clock.now();
    put({
      type: "header",
      format: EXPORT_FORMAT,
      version: EXPORT_VERSION,
      exported_at_ms: exportedAt,
      selection,
      ...(last === undefined ? {} : { anchor: { number: last.number, anchor_hash: last.anchor_hash } }),
    });
    for (const key of await readRing(store)) put({ type: "key", key });
    const { first, before } = await this.#firstAnchor(selection, last?.number ?? 0);
    return {
      exported_at_ms: exportedAt,
      selection,
      anchor: last?.number ?? 0,
      position: last?.position ?? 0,
      since_position: before,
      at: { stage: "anchors", next: first },
    };
  }

  /** The first anchor of the export: all of them, those since a time, or those that can speak of one bucket. */
  async #firstAnchor(selection: Selection, last: number): Promise<{ first: number; before: number }> {
    const { since_ms: sinceMs, run_id: runId } = selection;
    const [born] =
      runId === undefined ? [] : await this.#options.store.readStream(bucketStream(runId), { limit: 1 });
    if (sinceMs === undefined && born === undefined) return { first: 1, before: 0 };
    let low = 1;
    let high = last;
    const isBefore = (anchor: Anchor | undefined) =>
      anchor !== undefined &&
      (sinceMs === undefined || anchor.timestamp_ms < sinceMs) &&
      (born === undefined || anchor.position < born.position);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isBefore(await anchorAt(this.#options.store, middle))) low = middle + 1;
      else high = middle;
    }
    const before = sinceMs === undefined ? undefined : await anchorAt(this.#options.store, low - 1);
    return { first: low, before: before?.position ?? 0 };
  }

  async #anchors(
    cursor: ExportCursor,
    first: number,
    lines: readonly string[],
    put: (line: ExportLine) => void,
  ): Promise<ExportCursor> {
    let next = first;
    while (next <= cursor.anchor) {
      if (lines.length >= this.#pageLines) return { ...cursor, at: { stage: "anchors", next } };
      const events = await this.#options.store.readStream(ANCHOR_STREAM, {
        afterSeq: next - 1,
        toSeq: cursor.anchor,
        limit: EVENTS,
      });
      for (const { data } of events) put({ type: "anchor", anchor: data as unknown as Anchor });
      next += EVENTS;
    }
    return { ...cursor, at: { stage: "buckets", seq: 0 } };
  }

  /** Undefined when the export is at its end. */
  async #buckets(
    cursor: ExportCursor,
    from: { after?: string | undefined; seq: number },
    lines: readonly string[],
    put: (line: ExportLine) => void,
  ): Promise<ExportCursor | undefined> {
    let { after, seq } = from;
    for (;;) {
      const buckets = await this.#list(cursor.selection, after);
      for (const bucket of buckets) {
        for (;;) {
          const written = await this.#bucket(cursor, bucket.id, seq, put);
          if (written === undefined) break;
          seq = written;
          const here = after === undefined ? { seq } : { after, seq };
          if (lines.length >= this.#pageLines) return { ...cursor, at: { stage: "buckets", ...here } };
        }
        seq = 0;
        after = bucket.cursor;
      }
      if (buckets.length < BUCKETS) return undefined;
    }
  }

  async #list(
    selection: ExportCursor["selection"],
    after: string | undefined,
  ): Promise<{ id: string; cursor: string }[]> {
    const { store } = this.#options;
    const { run_id: runId, session_id: sessionId } = selection;
    if (runId !== undefined) return after === undefined ? [{ id: runId, cursor: runId }] : [];
    const listed: ListedRecord[] = await store.list(BUCKET_KIND, {
      ...(sessionId === undefined ? { index: "id" } : { index: "session", prefix: [sessionId] }),
      limit: BUCKETS,
      ...(after === undefined ? {} : { after }),
    });
    return listed;
  }

  /** Writes what comes next of a bucket, and answers up to where; undefined when there is no more. */
  async #bucket(
    cursor: ExportCursor,
    bucket: string,
    afterSeq: number,
    put: (line: ExportLine) => void,
  ): Promise<number | undefined> {
    const { store } = this.#options;
    const stream = bucketStream(bucket);
    const begin = afterSeq === 0 ? await this.#beginOf(cursor, stream) : afterSeq;
    if (begin === undefined) return undefined;
    const [before] = begin === 0 ? [] : await store.readStream(stream, { afterSeq: begin - 1, limit: 1 });
    if (afterSeq === 0 && before?.type === "checkpoint")
      put({ type: "checkpoint", checkpoint: checkpointOf(before) });
    const limit = Math.min(EVENTS, this.#pageLines);
    const page = await store.readStream(stream, { afterSeq: begin, limit });
    const events = page.filter(({ position }) => position <= cursor.position);
    await this.#write(events, before, put);
    return events.at(-1)?.seq;
  }

  async #write(
    events: readonly StoredEvent[],
    before: StoredEvent | undefined,
    put: (line: ExportLine) => void,
  ): Promise<void> {
    const { signer } = this.#options;
    const points: ChainPoint[] = [before === undefined ? { count: 0 } : pointAfter(before)];
    for (const event of events) points.push(pointAfter(event));
    const signed = await Promise.all(
      events.map((event, index) =>
        event.type === "checkpoint" ? undefined : signActions(event, points[index] ?? { count: 0 }, signer),
      ),
    );
    for (const [index, event] of events.entries()) {
      const bucket = event.stream.slice(BUCKET_STREAM_PREFIX.length);
      const actions = signed[index];
      if (actions === undefined) put({ type: "checkpoint", checkpoint: checkpointOf(event) });
      else for (const record of actions.records) put({ type: "record", bucket, ...record });
    }
  }

  /** After which event of its stream a bucket's part begins: at its start, or at the checkpoint before `since_ms`. */
  async #beginOf(
    { selection, position: end, since_position: since }: ExportCursor,
    stream: string,
  ): Promise<number | undefined> {
    const { store } = this.#options;
    if (selection.since_ms === undefined) return 0;
    let toSeq: number | undefined;
    let moved = false;
    for (;;) {
      const page = await store.readStream(stream, {
        reverse: true,
        limit: EVENTS,
        ...(toSeq === undefined ? {} : { toSeq }),
      });
      moved ||= page.some(({ position }) => position > since && position <= end);
      if (!moved && page.some(({ position }) => position <= since)) return undefined;
      const sealed = page.find(
        ({ type, atMs, position }) =>
          type === "checkpoint" && atMs < (selection.since_ms ?? 0) && position <= since,
      );
      if (sealed !== undefined) return sealed.seq;
      const first = page.at(-1)?.seq ?? 1;
      if (first <= 1) return 0;
      toSeq = first - 1;
    }
  }

  async #seal(lines: readonly string[], from: string, to: string | null): Promise<string> {
    const { signer } = this.#options;
    const digest = sha256(lines.map((line) => `${line}\n`).join(""));
    const seal = { from, to, lines: lines.length, sha256: digest, key_id: signer.keyId };
    const line: ExportLine = {
      type: "seal",
      from,
      to,
      lines: seal.lines,
      sha256: seal.sha256,
      signature_alg: SIGNATURE_ALG,
      key_id: seal.key_id,
      signature: await signer.sign(sealInput(seal)),
    };
    return JSON.stringify(line);
  }
}

function selected({ run_id, session_id, since_ms }: AuditExportQuery): Selection {
  return {
    ...(run_id === undefined ? {} : { run_id }),
    ...(session_id === undefined ? {} : { session_id }),
    ...(since_ms === undefined ? {} : { since_ms }),
  };
}
