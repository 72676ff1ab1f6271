import { useWindowVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";

export interface VirtualListProps<Item> {
  items: readonly Item[];
  keyOf: (item: Item) => string;
  /** The usual height of a row in pixels; each is measured when it is drawn. */
  rowHeight: number;
  label?: string;
  className?: string;
  /** Called when the end comes in sight. */
  onEnd?: (() => void) | undefined;
  /** For whoever walks through the rows by keyboard. */
  handle?: RefObject<Virtualizer<Window, Element> | null>;
  children: (item: Item, index: number) => ReactNode;
}

/** A list of any length in which only what is in sight is drawn; whoever hears it is told how long it is. */
export function VirtualList<Item>(props: VirtualListProps<Item>) {
  const { items, keyOf, rowHeight, label, className = "", onEnd, handle, children } = props;
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  const virtualizer = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => rowHeight,
    overscan: 10,
    scrollMargin: top,
    getItemKey: (index) => keyOf(items[index] as Item),
  });
  // What stands above the list may come and go, but not while somebody scrolls: to look costs a layout.
  useLayoutEffect(() => {
    const place = virtualizer.isScrolling ? undefined : list.current?.getBoundingClientRect().top;
    if (place !== undefined) setTop(Math.round(place + window.scrollY));
  });
  if (handle !== undefined) handle.current = virtualizer;
  const rows = virtualizer.getVirtualItems();
  const last = rows.at(-1)?.index ?? -1;
  useEffect(() => {
    if (onEnd !== undefined && last >= items.length - 1) onEnd();
  }, [last, items.length, onEnd]);
  return (
    <ul
      ref={list}
      aria-label={label}
      className={`relative ${className}`}
      style={{ height: virtualizer.getTotalSize() }}
    >
      {rows.map(({ index, key, start }) => (
        <li
          key={key}
          data-index={index}
          ref={virtualizer.measureElement}
          aria-setsize={items.length}
          aria-posinset={index + 1}
          className="absolute top-0 left-0 w-full"
          style={{ transform: `translateY(${start - top}px)` }}
        >
          {children(items[index] as Item, index)}
        </li>
      ))}
    </ul>
  );
}
