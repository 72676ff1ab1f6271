import type { EndpointId, ListPage } from "@kheish/contract";
import { expect } from "vitest";
import type { Answer, Client, LooseCall } from "./client.ts";

/** The endpoints that answer a list. */
export type List = Extract<
  EndpointId,
  "listSessions" | "listRuns" | "listQuestions" | "sessionPermissionAudits"
>;
type Item<E extends List> = Extract<Answer<E>, unknown[]>[number];
type Page<E extends List> = ListPage<Item<E>>;

const SIZES = [1, 2, 7, 50, 100];

/** Reads lists in both of their shapes. */
export class ListReader {
  readonly #api: Client;

  constructor(api: Client) {
    this.#api = api;
  }

  /** The bare array that old clients get. */
  async array<E extends List>(list: E, call: LooseCall = {}): Promise<Item<E>[]> {
    const { answer } = await this.#api.exchange(list, call);
    if (!Array.isArray(answer)) throw new Error(`${list} answered no array`);
    return answer as Item<E>[];
  }

  async page<E extends List>(list: E, call: LooseCall = {}): Promise<Page<E>> {
    const { answer } = await this.#api.exchange(list, call);
    if (Array.isArray(answer)) throw new Error(`${list} answered an array`);
    return answer as unknown as Page<E>;
  }

  /** 01-R3, 01-R4: whatever the size of a page, every item once and in order, and envelopes that tell the truth. */
  async expectPages<E extends List>(
    list: E,
    expected: readonly Item<E>[],
    order: string,
    call: LooseCall = {},
  ): Promise<void> {
    for (const limit of SIZES) {
      const pages = await this.#walk(list, limit, call);
      expect(pages.flatMap(({ items }) => items)).toEqual(expected);
      for (const [index, { items, pagination }] of pages.entries()) {
        const last = index === pages.length - 1;
        expect(pagination).toEqual({
          limit,
          total_count: expected.length,
          has_more: !last,
          ...(last ? {} : { next_cursor: expect.stringMatching(/^[A-Za-z0-9_-]+$/) }),
          order,
        });
        if (!last) expect(items).toHaveLength(limit);
      }
    }
  }

  /** All pages, one after the other. */
  async #walk<E extends List>(list: E, limit: number, call: LooseCall): Promise<Page<E>[]> {
    const query = { ...call.query, page: "true", limit: String(limit) };
    const pages = [await this.page(list, { ...call, query })];
    for (let cursor = pages[0]?.pagination.next_cursor; cursor !== undefined; ) {
      const page = await this.page(list, { ...call, query: { ...query, cursor } });
      pages.push(page);
      cursor = page.pagination.next_cursor;
    }
    return pages;
  }
}
