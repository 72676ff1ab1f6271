/** What the daemon asks of a search worker, and what it hears back. */
export interface SearchRequest {
  kind: "glob" | "grep";
  /** Absolute, real path. */
  root: string;
  /** Workspace-relative, without links. */
  base: string;
  baseKind: "file" | "directory";
  pattern: string;
  limit: number;
}

export interface GrepMatch {
  path: string;
  line: number;
  text: string;
  /** Present when `text` is a part of a long line. */
  text_truncated?: true;
}

/** What was met and not searched, by reason; a reason that did not occur is absent. */
export type Skipped = Partial<Record<SkipReason, number>>;
export type SkipReason =
  | "binary"
  | "too_large"
  | "unreadable"
  | "not_regular"
  | "symlinks"
  | "ignored_directories";

export interface SearchEnd {
  /** More would have been found beyond the limit. */
  truncated: boolean;
  skipped: Skipped;
}

export type SearchMessage<Item> =
  | { type: "found"; item: Item }
  | ({ type: "done" } & SearchEnd)
  | { type: "refused"; reason: string };
