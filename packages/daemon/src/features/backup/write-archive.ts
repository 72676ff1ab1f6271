import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { BACKUP_FORMAT, type BackupManifest } from "@kheish/contract";
import type { TarPackController } from "modern-tar";
import { SHARED_KEY_KIND } from "../../governance/audit/index.ts";
import type { BlobRef, Blobs } from "../../kernel/blobs.ts";
import {
  SNAPSHOT_COLUMNS,
  SNAPSHOT_TABLES,
  type SnapshotRow,
  type SnapshotSource,
} from "../../kernel/snapshot.ts";
import { BackupError } from "./errors.ts";
import { type LeftOut, NEVER_INCLUDED, openAsItIs, type RootFile } from "./files.ts";
import { blobName, fileName, MANIFEST, MANIFEST_DIGEST, rowsName } from "./names.ts";

/** All that one archive is made of. */
export interface ArchiveParts {
  backupId: string;
  createdAtMs: number;
  kheishVersion: string;
  instanceId: string;
  source: SnapshotSource;
  blobs: Blobs;
  /** Every blob that the snapshot may refer to; asked for only once the snapshot has been read. */
  listBlobs: () => AsyncIterable<BlobRef>;
  /** With the keys that lie in the store. */
  includeKeys: boolean;
  files: () => Promise<{ files: readonly RootFile[]; leftOut: readonly LeftOut[] }>;
}

const OWNER_ONLY = 0o600;

/**
 * The archive as a tar stream: rows of the store, blobs, files of the root, then the manifest and its digest.
 * It is made as fast as it is taken, a few megabytes ahead. A reader that finds no manifest has not got all of it.
 */
export async function* writeArchive(parts: ArchiveParts): AsyncGenerator<Uint8Array> {
  // Loaded by the first backup: a daemon that makes none pays nothing for it.
  const { createTarPacker } = await import("modern-tar");
  const { readable, controller } = createTarPacker();
  const written = new ArchiveWriter(controller, parts)
    .write()
    .catch((error: unknown) => controller.error(error));
  try {
    yield* readable;
  } finally {
    await written;
    await parts.source.close();
  }
}

class ArchiveWriter {
  readonly #tar: TarPackController;
  readonly #parts: ArchiveParts;
  readonly #entries: BackupManifest["entries"] = [];
  readonly #rows: Record<string, number> = {};
  readonly #leftOut: LeftOut[] = [];
  #journalHead = 0;

  constructor(tar: TarPackController, parts: ArchiveParts) {
    this.#tar = tar;
    this.#parts = parts;
  }

  async write(): Promise<void> {
    const { source } = this.#parts;
    for (const table of SNAPSHOT_TABLES) {
      let page = 0;
      this.#rows[table] = 0;
      for await (const read of source.pages(table)) {
        const rows = table === "records" ? this.#withoutKeys(read) : read;
        page += 1;
        this.#rows[table] += rows.length;
        if (table === "events") this.#journalHead = positionOf(rows.at(-1));
        const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
        await this.#listed(rowsName(table, page), Buffer.from(text));
        // Reading pages is synchronous in SQLite: the daemon's other work comes between them.
        await setImmediate();
      }
    }
    await source.close();
    const blobs = await this.#blobs();
    const leftOut = await this.#files();
    await this.#manifest(blobs, leftOut);
    this.#tar.finalize();
  }

  /** A key is no less one for lying in the database. */
  #withoutKeys(rows: SnapshotRow[]): SnapshotRow[] {
    if (this.#parts.includeKeys) return rows;
    const kept = rows.filter(([kind]) => kind !== SHARED_KEY_KIND);
    if (kept.length < rows.length)
      this.#leftOut.push({ what: "audit-signing.key", why: "key material, which lies in the database" });
    return kept;
  }

  async #blobs(): Promise<BackupManifest["blobs"]> {
    const total = createHash("sha256");
    let count = 0;
    let size_bytes = 0;
    for await (const { sha256, sizeBytes } of this.#parts.listBlobs()) {
      const bytes = (await this.#parts.blobs.read(sha256)) ?? [];
      const found = await this.#add(blobName(sha256), sizeBytes, bytes);
      if (found !== sha256) {
        throw new BackupError(
          "damaged",
          `blob ${sha256} is damaged on the disk: put it back from an older backup, or remove its file`,
        );
      }
      total.update(`${sha256} ${sizeBytes}\n`);
      count += 1;
      size_bytes += sizeBytes;
    }
    return { count, size_bytes, sha256: total.digest("hex") };
  }

  async #files(): Promise<LeftOut[]> {
    const { files, leftOut } = await this.#parts.files();
    for (const file of files) {
      const content = await openAsItIs(file.absolute);
      if (content === undefined) continue;
      const name = fileName(file.path);
      const sha256 = await this.#add(name, content.sizeBytes, content.bytes);
      this.#entries.push({ name, size_bytes: content.sizeBytes, sha256 });
    }
    return [...leftOut, ...this.#leftOut, ...NEVER_INCLUDED];
  }

  async #manifest(blobs: BackupManifest["blobs"], leftOut: LeftOut[]): Promise<void> {
    const { backupId, createdAtMs, kheishVersion, instanceId, source } = this.#parts;
    const manifest: BackupManifest = {
      format: BACKUP_FORMAT,
      backup_id: backupId,
      created_at_ms: createdAtMs,
      kheish_version: kheishVersion,
      engine: source.engine,
      schema_version: source.schemaVersion,
      instance_id: instanceId,
      journal_head: this.#journalHead,
      rows: this.#rows,
      blobs,
      entries: this.#entries,
      left_out: leftOut,
    };
    const text = Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`);
    const digest = await this.#add(MANIFEST, text.byteLength, [text]);
    const line = Buffer.from(`${digest}  ${MANIFEST}\n`);
    await this.#add(MANIFEST_DIGEST, line.byteLength, [line]);
  }

  async #listed(name: string, bytes: Uint8Array): Promise<void> {
    const sha256 = await this.#add(name, bytes.byteLength, [bytes]);
    this.#entries.push({ name, size_bytes: bytes.byteLength, sha256 });
  }

  /** Answers the digest of what was written. */
  async #add(
    name: string,
    size: number,
    bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<string> {
    const hash = createHash("sha256");
    const mtime = new Date(this.#parts.createdAtMs);
    const entry = this.#tar.add({ name, size, mtime, mode: OWNER_ONLY, type: "file" }).getWriter();
    for await (const chunk of bytes) {
      hash.update(chunk);
      await entry.write(chunk);
    }
    await entry.close();
    return hash.digest("hex");
  }
}

function positionOf(event: SnapshotRow | undefined): number {
  return Number(event?.[SNAPSHOT_COLUMNS.events.indexOf("position")] ?? 0);
}
