/** One of a few, side by side. */
export function Choice<Item extends { name: string }>({
  label,
  items,
  chosen,
  onChoose,
  className = "",
}: {
  label: string;
  items: readonly Item[];
  chosen: Item;
  onChoose: (item: Item) => void;
  className?: string;
}) {
  return (
    <fieldset aria-label={label} className={`flex flex-wrap gap-1 ${className}`}>
      {items.map((item) => (
        <button
          key={item.name}
          type="button"
          aria-pressed={item === chosen}
          onClick={() => onChoose(item)}
          className="cursor-pointer rounded-md border border-transparent px-2.5 py-1 text-soft hover:text-ink aria-pressed:border-line aria-pressed:bg-surface aria-pressed:font-medium aria-pressed:text-ink"
        >
          {item.name}
        </button>
      ))}
    </fieldset>
  );
}
