import { z } from "zod";

/** A yes or no in a query. Anything else is refused: `clear_queue=yes` must not be a no. */
export const QueryFlag = z.string().regex(/^(true|false)$/, "must be true or false");

/** Query of every list (01-R1, 01-R2). Strings here: the service parses, so that the refusal is typed. */
export const ListQuery = z.object({
  page: QueryFlag.optional().describe("'true' answers a page envelope"),
  limit: z.string().optional().describe("1 to 100 in page mode, default 50"),
  cursor: z.string().optional().describe("opaque; implies page mode"),
});
export type ListQuery = z.infer<typeof ListQuery>;

export const Pagination = z
  .object({
    limit: z.int(),
    total_count: z.int(),
    has_more: z.boolean(),
    next_cursor: z.string().optional(),
    order: z.string(),
  })
  .meta({ id: "Pagination" });
export type Pagination = z.infer<typeof Pagination>;

/** `ListPage` of the spec for one kind of item. */
export function listPage<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), pagination: Pagination });
}
export interface ListPage<T> {
  items: T[];
  pagination: Pagination;
}

/** Legacy clients get a bare array, page mode an envelope. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.union([z.array(item), listPage(item)]);
}

export const DEFAULT_PAGE_LIMIT = 50;
export const MAX_PAGE_LIMIT = 100;
