import { useEffect, useId, useState } from "react";
import { Dialog } from "../../ui/dialog.tsx";
import { matching } from "./match.ts";
import { useCommands } from "./use-commands.ts";

interface Pages {
  pages: readonly { to: string; name: string }[];
}

/** Ctrl or Command and K, from anywhere. */
export function Palette({ pages }: Pages) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      setOpen((open) => !open);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return (
    <>
      <button
        type="button"
        onClick={() => setOpen(true)}
        className="flex cursor-pointer items-center justify-between gap-2 rounded-md border border-line px-3 py-1.5 text-soft hover:text-ink md:mb-3 md:w-full"
      >
        Search
        <kbd className="hidden font-mono text-xs md:inline">{isApple() ? "⌘" : "Ctrl "}K</kbd>
      </button>
      {isOpen && <Window pages={pages} onClose={() => setOpen(false)} />}
    </>
  );
}

function Window({ pages, onClose }: Pages & { onClose: () => void }) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const found = matching(useCommands(pages, typed), typed);
  const at = Math.min(chosen, Math.max(0, found.length - 1));
  useEffect(() => {
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [id, at]);
  const take = (index: number) => {
    const command = found[index];
    // What was asked for may not have been read yet.
    if (command === undefined) return;
    onClose();
    command.run();
  };
  const press = (event: React.KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined) setChosen((at + step + found.length) % Math.max(1, found.length));
    else if (event.key === "Enter" && !event.nativeEvent.isComposing) take(at);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog label="Search and commands" onClose={onClose} className="mt-[12vh] w-[min(36rem,92vw)]">
      <input
        autoFocus
        role="combobox"
        aria-label="Search pages, runs, sessions, actions"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length === 0 ? undefined : `${id}-${at}`}
        placeholder="Search pages, runs, sessions, actions"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
        onKeyDown={press}
        className="w-full border-b border-line bg-transparent px-4 py-3 outline-none"
      />
      <div id={`${id}-list`} role="listbox" aria-label="Found" className="max-h-80 overflow-auto p-2">
        {found.map(({ id: key, group, name, hint }, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={key}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onClick={() => take(index)}
            onPointerMove={() => setChosen(index)}
            className="grid cursor-pointer grid-cols-[4.5rem_1fr] items-baseline gap-2 rounded-md px-3 py-2 aria-selected:bg-canvas"
          >
            <span className="text-xs text-soft">{group}</span>
            <span className="min-w-0 truncate">
              {name} {hint !== undefined && <span className="text-soft">{hint}</span>}
            </span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="px-4 pb-4 text-soft">Nothing has these words.</p>}
    </Dialog>
  );
}

function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}
