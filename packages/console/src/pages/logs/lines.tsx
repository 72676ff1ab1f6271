import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useLayoutEffect, useRef, useState } from "react";
import { Card, Json, Time } from "../../ui/parts.tsx";
import type { Line } from "./use-log.ts";

const ROW_PX = 28;
/** Somebody who looks at the end wants to see what comes. */
const NEAR_END_PX = 40;

const TONES = {
  error: "text-bad",
  warn: "text-wait",
  info: "text-work",
  debug: "text-soft",
  trace: "text-soft",
};

/** Lines, the newest last. Only what is seen is drawn; the newest stays in sight while somebody looks there. */
export function Lines({ lines, follows }: { lines: readonly Line[]; follows: boolean }) {
  const scroller = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const [open, setOpen] = useState<Line>();
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 20,
    getItemKey: (index) => lines[index]?.place ?? index,
  });
  // Before anything else can look: a list that has grown and was not followed yet seems to be left by whoever reads it.
  useLayoutEffect(() => {
    if (follows && isAtEnd.current && lines.length > 0) rows.scrollToIndex(lines.length - 1);
  }, [follows, lines, rows]);
  const look = () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller.current ?? document.body;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  };
  return (
    <div className="grid gap-3">
      <section
        ref={scroller}
        onScroll={look}
        aria-label={`${lines.length} lines`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="h-[65dvh] overflow-auto rounded-lg border border-line bg-surface font-mono text-xs"
      >
        <ol className="relative w-full" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ key, index, start }) => {
            const line = lines[index];
            return (
              line && (
                <Entry
                  key={key}
                  line={line}
                  top={start}
                  isOpen={open?.place === line.place}
                  onOpen={setOpen}
                />
              )
            );
          })}
        </ol>
      </section>
      {open !== undefined && <Detail line={open} />}
    </div>
  );
}

const Entry = memo(function Entry({
  line,
  top,
  isOpen,
  onOpen,
}: {
  line: Line;
  top: number;
  isOpen: boolean;
  onOpen: (line: Line) => void;
}) {
  const fields = Object.entries(line.fields ?? {}).map(([name, value]) => `${name}=${value}`);
  return (
    <li className="absolute inset-x-0" style={{ top, height: ROW_PX }}>
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => onOpen(line)}
        className="flex h-full w-full cursor-pointer items-center gap-2 px-3 text-left whitespace-nowrap hover:bg-canvas aria-expanded:bg-canvas"
      >
        <time className="text-soft" dateTime={new Date(line.timestamp_ms).toISOString()}>
          {new Date(line.timestamp_ms).toLocaleTimeString()}
        </time>
        <span className={`w-10 shrink-0 font-semibold ${TONES[line.level]}`}>{line.level}</span>
        <span className="min-w-0 truncate">
          {line.message} <span className="text-soft max-md:hidden">{fields.join(" ")}</span>
        </span>
      </button>
    </li>
  );
});

function Detail({ line }: { line: Line }) {
  return (
    <Card className="grid gap-2">
      <h2 className="font-semibold wrap-anywhere">{line.message}</h2>
      <p className="text-soft">
        <Time at={line.timestamp_ms} />, {line.level}, {line.target}, line {line.place}
      </p>
      {line.fields !== undefined && <Json value={line.fields} />}
    </Card>
  );
}
