import { createHash } from "node:crypto";
import { BACKUP_FORMAT, BackupManifest, type Json } from "@kheish/contract";
import type { ParsedTarEntry } from "modern-tar";
import {
  type Cell,
  SNAPSHOT_COLUMNS,
  SNAPSHOT_SCHEMA_VERSION,
  type SnapshotRow,
  type SnapshotTable,
} from "../../kernel/snapshot.ts";
import type { StoredEvent } from "../../kernel/store.ts";
import { BackupError } from "./errors.ts";
import { MANIFEST, MANIFEST_DIGEST, parseName } from "./names.ts";

/** What a reader does with an archive's content. Nothing of it is to be believed before the manifest has come. */
export interface ArchiveSink {
  rows(table: SnapshotTable, rows: readonly SnapshotRow[]): Promise<void>;
  blob(sha256: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  file(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Reads an archive to its end and checks all of it: digests, structure, order and schema. */
export async function readArchive(
  archive: AsyncIterable<Uint8Array>,
  sink: ArchiveSink,
): Promise<BackupManifest> {
  const { createTarDecoder } = await import("modern-tar");
  const reader = new ArchiveReader(sink);
  const entries = ReadableStream.from(archive).pipeThrough(createTarDecoder({ strict: true }));
  try {
    for await (const entry of entries) await reader.take(entry);
  } catch (error) {
    throw reader.failure(error);
  }
  return reader.end();
}

/** Checks an archive and touches nothing; `onEvent` gets each event of the journal in it. */
export function verifyArchive(
  archive: AsyncIterable<Uint8Array>,
  onEvent?: (event: StoredEvent) => void,
): Promise<BackupManifest> {
  return readArchive(archive, {
    rows: async (table, rows) => {
      if (table === "events" && onEvent !== undefined) for (const row of rows) onEvent(eventOf(row));
    },
    blob: (_sha256, bytes) => drained(bytes),
    file: (_path, bytes) => drained(bytes),
  });
}

/** A row of `events`, in the order of its columns. */
function eventOf(row: SnapshotRow): StoredEvent {
  const [position, stream, seq, type, atMs, data] = row as [number, string, number, string, number, string];
  return { position, stream, seq, type, atMs, data: JSON.parse(data) as Json };
}

async function drained(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}

class ArchiveReader {
  readonly #sink: ArchiveSink;
  readonly #entries: BackupManifest["entries"] = [];
  readonly #rows = new Map<string, number>();
  readonly #blobDigest = createHash("sha256");
  #blobs = 0;
  #blobBytes = 0;
  #position = 0;
  #manifest: { value: BackupManifest; sha256: string } | undefined;
  #isComplete = false;

  constructor(sink: ArchiveSink) {
    this.#sink = sink;
  }

  async take({ header, body }: ParsedTarEntry): Promise<void> {
    const name = parseName(header.name);
    if (name === undefined || header.type !== "file")
      throw new BackupError(
        "not_a_backup",
        `it has an entry that no backup has: '${header.name.slice(0, 80)}'`,
      );
    if (this.#isComplete) throw damaged("something follows its end");
    if (this.#manifest !== undefined && name.kind !== "manifest_digest")
      throw damaged("something follows its manifest");
    const digest = new Digest(body);
    if (name.kind === "blob") await this.#blob(name.sha256, digest);
    else if (name.kind === "manifest") this.#readManifest(await digest.text(), digest);
    else if (name.kind === "manifest_digest") this.#readManifestDigest(await digest.text());
    else {
      if (name.kind === "file") await this.#sink.file(name.path, digest);
      else await this.#readRows(name.table, await digest.text(), header.name);
      this.#entries.push({ name: header.name, size_bytes: digest.sizeBytes, sha256: digest.hex() });
    }
  }

  /** What reading threw, as what it says about the archive. */
  failure(error: unknown): unknown {
    // An error of our own or of the file system is what it is; the decoder's are about the archive.
    if (error instanceof BackupError || (error instanceof Error && "code" in error)) return error;
    const why = error instanceof Error ? error.message : String(error);
    if (this.#entries.length === 0) return new BackupError("not_a_backup", `it is no backup archive: ${why}`);
    return new BackupError("damaged", `it is damaged after ${this.#entries.at(-1)?.name}: ${why}`, {
      cause: error,
    });
  }

  end(): BackupManifest {
    if (this.#manifest === undefined || !this.#isComplete) {
      const why = "it ends before its manifest: the backup was cut off";
      throw this.#entries.length === 0
        ? new BackupError("not_a_backup", "it is no backup archive")
        : new BackupError("incomplete", why);
    }
    const { value } = this.#manifest;
    this.#compareEntries(value.entries);
    for (const table of Object.keys(SNAPSHOT_COLUMNS)) {
      if ((this.#rows.get(table) ?? 0) !== value.rows[table])
        throw damaged(
          `it holds ${this.#rows.get(table) ?? 0} rows of ${table} instead of ${value.rows[table]}`,
        );
    }
    const { count, size_bytes, sha256 } = value.blobs;
    if (count !== this.#blobs || size_bytes !== this.#blobBytes || sha256 !== this.#blobDigest.digest("hex"))
      throw damaged(`it holds other blobs than the ${count} of its manifest`);
    if (value.journal_head !== this.#position)
      throw damaged("its journal ends elsewhere than its manifest says");
    return value;
  }

  #compareEntries(expected: BackupManifest["entries"]): void {
    for (const [index, entry] of expected.entries()) {
      const found = this.#entries[index];
      if (found?.name !== entry.name) throw damaged(`${entry.name} is missing or out of its place`);
      if (found.sha256 !== entry.sha256 || found.size_bytes !== entry.size_bytes)
        throw damaged(`${entry.name} does not have its digest`);
    }
    if (this.#entries.length > expected.length) throw damaged("it holds more than its manifest says");
  }

  async #blob(sha256: string, digest: Digest): Promise<void> {
    await this.#sink.blob(sha256, digest);
    if (digest.hex() !== sha256) throw damaged(`blob ${sha256} does not have its digest`);
    this.#blobDigest.update(`${sha256} ${digest.sizeBytes}\n`);
    this.#blobs += 1;
    this.#blobBytes += digest.sizeBytes;
  }

  async #readRows(table: SnapshotTable, text: string, name: string): Promise<void> {
    const lines = text.split("\n").slice(0, -1);
    const rows = lines.map((line) => rowOf(table, line, name));
    if (table === "events") {
      for (const [position] of rows) {
        if (typeof position !== "number" || position <= this.#position)
          throw damaged(`${name} has events out of order`);
        this.#position = position;
      }
    }
    this.#rows.set(table, (this.#rows.get(table) ?? 0) + rows.length);
    await this.#sink.rows(table, rows);
  }

  #readManifest(text: string, digest: Digest): void {
    const value = jsonOf(text);
    const format = (value as { format?: unknown } | undefined)?.format;
    if (typeof format === "number" && format > BACKUP_FORMAT) throw newer(`format ${format}`);
    const manifest = BackupManifest.safeParse(value);
    if (!manifest.success) throw damaged("its manifest cannot be read");
    if (manifest.data.schema_version > SNAPSHOT_SCHEMA_VERSION)
      throw newer(`schema version ${manifest.data.schema_version}`);
    this.#manifest = { value: manifest.data, sha256: digest.hex() };
  }

  #readManifestDigest(text: string): void {
    if (this.#manifest === undefined || text !== `${this.#manifest.sha256}  ${MANIFEST}\n`)
      throw damaged(`${MANIFEST} does not have the digest in ${MANIFEST_DIGEST}`);
    this.#isComplete = true;
  }
}

/** Bytes on their way through, and their digest once they have passed. */
class Digest implements AsyncIterable<Uint8Array> {
  readonly #bytes: AsyncIterable<Uint8Array>;
  readonly #hash = createHash("sha256");
  #hex: string | undefined;
  sizeBytes = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#bytes) {
      this.#hash.update(chunk);
      this.sizeBytes += chunk.byteLength;
      yield chunk;
    }
  }

  async text(): Promise<string> {
    return Buffer.concat(await Array.fromAsync(this)).toString("utf8");
  }

  hex(): string {
    this.#hex ??= this.#hash.digest("hex");
    return this.#hex;
  }
}

function rowOf(table: SnapshotTable, line: string, name: string): SnapshotRow {
  const row = jsonOf(line);
  const width = SNAPSHOT_COLUMNS[table].length;
  if (!Array.isArray(row) || row.length !== width || !row.every(isCell))
    throw damaged(`${name} has a row that is none of ${table}`);
  return row;
}

function isCell(value: unknown): value is Cell {
  return value === null || typeof value === "string" || Number.isSafeInteger(value);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function damaged(why: string): BackupError {
  return new BackupError("damaged", `it is damaged: ${why}`);
}

function newer(what: string): BackupError {
  return new BackupError("newer", `it has ${what}, which this binary does not know: use a newer Kheish`);
}
