import type { Virtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useRef } from "react";
import type { Item } from "./items.ts";

const ACTS = new Set(["a", "d", "e", "x"]);

/** j and k walk through the items, a approves, d denies, e edits the input, x selects. */
export function useKeys(items: readonly Item[], list: RefObject<Virtualizer<Window, Element> | null>): void {
  /** Where the item stood that had the focus last: when it is decided and gone, the next one stands there. */
  const place = useRef(0);
  useEffect(() => {
    const placeOf = (element: Element | null) => {
      const here = element?.closest<HTMLElement>("[data-item]");
      return items.findIndex(({ id }) => id === here?.dataset.item);
    };
    const look = ({ target }: FocusEvent) => {
      const at = target instanceof Element ? placeOf(target) : -1;
      if (at >= 0) place.current = at;
    };
    const press = (event: KeyboardEvent) => {
      const { target, key } = event;
      const isTyping =
        target instanceof HTMLElement && target.closest("textarea, input:not([type=checkbox])");
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || items.length === 0) return;
      const here = document.activeElement?.closest<HTMLElement>("[data-item]");
      const at = placeOf(document.activeElement);
      if (key === "j" || key === "k") {
        const last = items.length - 1;
        const [below, above] = at >= 0 ? [at + 1, at - 1] : [place.current, place.current - 1];
        const next = key === "j" ? Math.min(below, last) : Math.max(0, Math.min(above, last));
        focus(list, next, items[next]?.id ?? "");
      } else if (ACTS.has(key)) here?.querySelector<HTMLElement>(`[data-act="${key}"]`)?.click();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    document.addEventListener("focusin", look);
    return () => {
      document.removeEventListener("keydown", press);
      document.removeEventListener("focusin", look);
    };
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
