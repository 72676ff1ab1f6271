import type { ListPage } from "@kheish/contract";
import type { Style } from "../output/output.ts";

/** Below a page that is not the whole list: how much there is, and how to go on. */
export function pageFooter<T>(list: T[] | ListPage<T>, { colors }: Style): string {
  if (Array.isArray(list) || !list.pagination.has_more) return "";
  const { total_count, next_cursor } = list.pagination;
  const shown = `${list.items.length} of ${total_count.toLocaleString("en")}`;
  return `\n\n${colors.dim(`${shown}, more with --cursor ${next_cursor}`)}`;
}
