import { useEffect, useState } from "react";
import type { Item } from "./items.ts";

/** Somebody sees that the list has moved, and does not click any more. */
const SETTLED_MS = 350;

/**
 * Whether items have just moved, because one above them went away: whoever was about to click, or clicks twice, would
 * decide about another one. Keys go on: they follow their item.
 */
export function useSettling(items: readonly Item[]): boolean {
  const [settled, setSettled] = useState(items);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(items), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [items]);
  return settled.some(({ id }, at) => items[at]?.id !== id);
}
