import type { ListPage } from "@kheish/contract";

/** All items of a paged list; a bare array, as an older daemon answers, is all of them already. */
export async function everyPage<T>(
  fetchPage: (query: { page: string; limit: string; cursor?: string }) => Promise<T[] | ListPage<T>>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const list = await fetchPage({ page: "true", limit: "100", ...(cursor !== undefined && { cursor }) });
    if (Array.isArray(list)) return list;
    items.push(...list.items);
    cursor = list.pagination.has_more ? list.pagination.next_cursor : undefined;
  } while (cursor !== undefined);
  return items;
}
