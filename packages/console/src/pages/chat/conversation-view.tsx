import type { Json as JsonValue } from "@kheish/sdk";
import { memo, type ReactNode, useEffect, useRef } from "react";
import { CallInput } from "../../calls/input.tsx";
import { Json } from "../../ui/parts.tsx";
import type { Conversation, Line } from "./conversation.ts";

/** What was said and done, with what is being said; `children` stand at its end. */
export function ConversationView({
  conversation,
  children,
}: {
  conversation: Conversation;
  children?: ReactNode;
}) {
  const { lines, writing } = conversation;
  return (
    <ol
      ref={useStayAtEnd()}
      aria-live="polite"
      aria-label="Conversation"
      className="grid flex-1 grid-cols-1 content-start gap-3 pb-4"
    >
      {lines.map((line) => (
        <Said key={line.key} line={line} />
      ))}
      {writing !== undefined && <Said line={{ key: "writing", who: "agent", text: writing.text }} />}
      {children}
    </ol>
  );
}

const NEAR_END_PX = 120;
/** Between the last line and the field below it. */
const GAP_PX = 16;

/**
 * Whoever reads at the end goes on reading at the end, whatever makes the list longer: a word, what the run waits for, a
 * line that turns out higher than it was taken for. Whoever scrolled up is left there, and so is whoever opens something.
 */
function useStayAtEnd() {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const { current } = list;
    if (current === null) return;
    // Of the conversation, not of the page: on a phone other things stand below it.
    const hiddenPx = () => {
      const end = current.lastElementChild?.getBoundingClientRect().bottom ?? 0;
      return end + GAP_PX - (current.nextElementSibling?.getBoundingClientRect().top ?? window.innerHeight);
    };
    let isAtEnd = true;
    let height = 0;
    let place = window.scrollY;
    const look = () => {
      const wentUp = window.scrollY < place;
      place = window.scrollY;
      // It grew since it was followed: what is hidden now says nothing of where somebody went, unless it was up.
      if (wentUp || current.offsetHeight === height) isAtEnd = hiddenPx() < NEAR_END_PX;
    };
    const opens = ({ target }: Event) => {
      if (target instanceof Element && target.closest("summary") !== null) isAtEnd = false;
    };
    const grows = new ResizeObserver(() => {
      height = current.offsetHeight;
      if (isAtEnd) window.scrollBy(0, Math.max(0, hiddenPx()));
      place = window.scrollY;
    });
    grows.observe(current);
    current.addEventListener("click", opens);
    window.addEventListener("scroll", look, { passive: true });
    return () => {
      grows.disconnect();
      current.removeEventListener("click", opens);
      window.removeEventListener("scroll", look);
    };
  }, []);
  return list;
}

/** Off the screen a line costs nothing; a long conversation is drawn as fast as a short one. */
const LAZY = "[content-visibility:auto] [contain-intrinsic-size:auto_3rem]";

const Said = memo(function Said({ line }: { line: Line }) {
  if (line.who === "tool") return <Call line={line} />;
  if (line.who === "mark") {
    return (
      <li data-who="mark" className={`flex items-center gap-3 text-xs text-soft ${LAZY}`}>
        <span aria-hidden="true" className="h-px flex-1 bg-line" />
        <span className="max-w-[80%] text-center">{line.text}</span>
        <span aria-hidden="true" className="h-px flex-1 bg-line" />
      </li>
    );
  }
  const looks =
    line.who === "you"
      ? "justify-self-end bg-accent text-on-accent"
      : "justify-self-start border border-line bg-surface";
  return (
    <li
      data-who={line.who}
      className={`max-w-[85%] whitespace-pre-wrap wrap-anywhere rounded-lg px-3 py-2 ${looks} ${LAZY}`}
    >
      {line.text}
    </li>
  );
});

function Call({ line }: { line: Extract<Line, { who: "tool" }> }) {
  const { name, input, state, failed, output } = line;
  const tone = failed ? "text-bad" : state === "running" ? "text-work" : "text-soft";
  return (
    <li data-who="tool" className={`min-w-0 ${LAZY}`}>
      <details className="rounded-md border border-line px-3 py-2">
        <summary className="flex cursor-pointer items-baseline gap-2 font-mono text-xs">
          <span className="font-semibold">{name}</span>
          <span className="min-w-0 flex-1 truncate text-soft">{inShort(input)}</span>
          <span className={`font-sans ${tone}`}>{failed ? "failed" : state}</span>
        </summary>
        <div className="mt-2 grid gap-2">
          <CallInput tool={name} input={input as JsonValue} />
          {output !== undefined && (
            <>
              <p className="text-soft">Output</p>
              <Json value={output} />
            </>
          )}
        </div>
      </details>
    </li>
  );
}

/** The input's first text, or all of it: enough to tell one call from another. */
function inShort(input: unknown): string {
  const text =
    typeof input === "object" && input !== null
      ? Object.values(input).find((value) => typeof value === "string")
      : undefined;
  return text ?? JSON.stringify(input) ?? "";
}
