import type { Virtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect } from "react";
import type { Item } from "./items.ts";

const ACTS = new Set(["a", "d", "e", "x"]);

/** j and k walk through the items, a approves, d denies, e edits the input, x selects. */
export function useKeys(items: readonly Item[], list: RefObject<Virtualizer<Window, Element> | null>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { target, key } = event;
      const isTyping =
        target instanceof HTMLElement && target.closest("textarea, input:not([type=checkbox])");
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || items.length === 0) return;
      const here = document.activeElement?.closest<HTMLElement>("[data-item]");
      const at = items.findIndex(({ id }) => id === here?.dataset.item);
      if (key === "j" || key === "k") {
        const next = key === "j" ? Math.min(at + 1, items.length - 1) : Math.max(0, at - 1);
        focus(list, next, items[next]?.id ?? "");
      } else if (ACTS.has(key)) here?.querySelector<HTMLElement>(`[data-act="${key}"]`)?.click();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [items, list]);
}

/** An item that is out of sight is not drawn before the list was moved there. */
function focus(list: RefObject<Virtualizer<Window, Element> | null>, index: number, id: string): void {
  const find = () => document.querySelector<HTMLElement>(`[data-item="${CSS.escape(id)}"]`);
  const item = find();
  if (item !== null) {
    item.focus();
    return;
  }
  list.current?.scrollToIndex(index);
  requestAnimationFrame(() => requestAnimationFrame(() => find()?.focus()));
}
