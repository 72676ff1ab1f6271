import {
  DEFAULT_PAGE_LIMIT,
  type Json,
  type ListPage,
  type ListQuery,
  MAX_PAGE_LIMIT,
  problem,
} from "@kheish/contract";

/** A list request after its strings were understood (01-R1, 01-R2). */
export interface PageRequest {
  /** False: the legacy bare array. */
  envelope: boolean;
  /** In legacy mode absent unless the client gave one. */
  limit?: number;
  /** The sort key after which the page begins. */
  after?: string;
}

export function parsePage(query: ListQuery): PageRequest {
  const envelope = query.page === "true" || query.cursor !== undefined;
  const limit = query.limit === undefined ? undefined : parseLimit(query.limit);
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const effective = envelope ? Math.min(limit ?? DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT) : limit;
  return {
    envelope,
    ...(effective === undefined ? {} : { limit: effective }),
    ...(after === undefined ? {} : { after }),
  };
}

function parseLimit(text: string): number {
  const limit = /^\d+$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : 0;
  if (limit === 0)
    throw problem("pagination", "invalid_limit", `limit must be a whole number from 1, not '${text}'`);
  return limit;
}

/** Unpadded base64url of the last item's sort key (01-R3). */
export function encodeCursor(sortKey: string): string {
  return Buffer.from(sortKey).toString("base64url");
}

export function decodeCursor(cursor: string): string {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  if (cursor === "" || encodeCursor(text) !== cursor) {
    throw problem("pagination", "invalid_cursor", "the cursor is not one this daemon gave out");
  }
  return text;
}

/** `fetched` is one more than the limit when more follows. */
export function pageOf<T, V extends Json | object>(
  fetched: readonly T[],
  options: { limit: number; totalCount: number; order: string; sortKey: (item: T) => string },
  views: readonly V[],
): ListPage<V> {
  const hasMore = fetched.length > options.limit;
  const last = fetched[options.limit - 1];
  return {
    items: views.slice(0, options.limit),
    pagination: {
      limit: options.limit,
      total_count: options.totalCount,
      has_more: hasMore,
      ...(hasMore && last !== undefined ? { next_cursor: encodeCursor(options.sortKey(last)) } : {}),
      order: options.order,
    },
  };
}
