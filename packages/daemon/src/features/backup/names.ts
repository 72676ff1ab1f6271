import { SNAPSHOT_TABLES, type SnapshotTable } from "../../kernel/snapshot.ts";

/** The names of an archive's entries, in the order in which they stand there. */
export const MANIFEST = "manifest.json";
/** As `sha256sum` writes it, so that it can check it. */
export const MANIFEST_DIGEST = "manifest.json.sha256";

export type EntryName =
  | { kind: "rows"; table: SnapshotTable }
  | { kind: "blob"; sha256: string }
  | { kind: "file"; path: string }
  | { kind: "manifest" }
  | { kind: "manifest_digest" };

const DIGITS = 6;

export function rowsName(table: SnapshotTable, page: number): string {
  return `store/${table}/${String(page).padStart(DIGITS, "0")}.jsonl`;
}
export function blobName(sha256: string): string {
  return `blobs/${sha256}`;
}
export function fileName(path: string): string {
  return `files/${path}`;
}

/** What an entry is; undefined when no backup has one of this name. Nothing that it names lies outside a root. */
export function parseName(name: string): EntryName | undefined {
  if (name === MANIFEST) return { kind: "manifest" };
  if (name === MANIFEST_DIGEST) return { kind: "manifest_digest" };
  const rows = /^store\/([a-z_]+)\/\d+\.jsonl$/.exec(name);
  const table = SNAPSHOT_TABLES.find((known) => known === rows?.[1]);
  if (table !== undefined) return { kind: "rows", table };
  const sha256 = /^blobs\/([0-9a-f]{64})$/.exec(name)?.[1];
  if (sha256 !== undefined) return { kind: "blob", sha256 };
  const path = /^files\/(.+)$/.exec(name)?.[1];
  return path !== undefined && isInside(path) ? { kind: "file", path } : undefined;
}

function isInside(path: string): boolean {
  return path
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && !/[\\\0:]/.test(part));
}
