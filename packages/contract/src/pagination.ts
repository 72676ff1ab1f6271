import { z } from "zod";

/** A yes or no in a query. Anything else is refused: `clear_queue=yes` must not be a no. */
export const QueryFlag = z.string().regex(/^(true|false)$/, "must be true or false");

/**
 * A string that a service reads, so that its refusal has a code of its own. The pattern tells those who call what will
 * be refused; nothing is checked here.
 */
export const readByService = (pattern: string) => z.string().meta({ pattern });

/** A number from 1. */
export const QueryCount = readByService("^0*[1-9][0-9]*$");
/** A number from 0, as revisions and offsets are. */
export const QueryNumber = readByService("^[0-9]{1,15}$");
/** Chosen by who creates the record, or by the daemon. */
export const ChosenId = readByService("^[A-Za-z0-9._-]{1,64}$");
/** Of a request; the header says the same as the field of the body (01-R28). */
export const IdempotencyKey = z
  .string()
  .meta({ pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]+$", maxLength: 256 });

/** Query of every list (01-R1, 01-R2). */
export const ListQuery = z.object({
  page: QueryFlag.optional().describe("'true' answers a page envelope"),
  limit: QueryCount.optional().describe("1 to 100 in page mode, default 50"),
  cursor: z.string().meta({ minLength: 1 }).optional().describe("opaque; implies page mode"),
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
