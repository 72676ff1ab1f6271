import { count } from "./words.ts";

/** What a search answered; it stops at a limit. */
export interface Listing<Item> {
  items: Item[];
  truncated: boolean;
}

/** How many a search found: at its limit it only knows that there are no fewer. */
export function countFound(listing: Listing<unknown>, noun: string): string {
  const counted = count(listing.items.length, noun);
  return listing.truncated ? `at least ${counted}` : counted;
}
