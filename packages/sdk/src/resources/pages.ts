import type { ListPage } from "@kheish/contract";

const PAGE_LIMIT = 100;

export interface PageQuery {
  page: true;
  limit: number;
  cursor?: string;
}

/** A list that is as long as it is: items come page by page, as they are asked for. */
export class Pages<Item> implements AsyncIterable<Item> {
  readonly #fetch: (query: PageQuery) => Promise<Item[] | ListPage<Item>>;

  constructor(fetch: (query: PageQuery) => Promise<Item[] | ListPage<Item>>) {
    this.#fetch = fetch;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    let cursor: string | undefined;
    do {
      const page = await this.page({ cursor });
      yield* page.items;
      cursor = page.pagination.next_cursor;
    } while (cursor !== undefined);
  }

  /** One page, for those that show pages: at most `limit` items (1 to 100) behind a page's `next_cursor`. */
  async page(at: { cursor?: string | undefined; limit?: number } = {}): Promise<ListPage<Item>> {
    const { cursor, limit = PAGE_LIMIT } = at;
    const page = await this.#fetch({ page: true, limit, ...(cursor !== undefined && { cursor }) });
    if (!Array.isArray(page)) return page;
    // An older daemon answers with everything at once.
    const pagination = { limit: page.length, total_count: page.length, has_more: false, order: "unknown" };
    return { items: page, pagination };
  }

  async toArray(): Promise<Item[]> {
    const items: Item[] = [];
    for await (const item of this) items.push(item);
    return items;
  }
}
