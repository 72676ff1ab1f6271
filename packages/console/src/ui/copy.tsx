import { useState } from "react";
import { Button } from "./parts.tsx";

/** A text to be taken along. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    navigator.clipboard
      .writeText(text)
      .then(() => setCopied(true))
      // A page without a secure connection may not; the text stands there to be marked by hand.
      .catch(() => setCopied(false));
  };
  return (
    <div className="flex flex-col items-end gap-2 sm:flex-row sm:items-start">
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="max-h-[55dvh] w-full min-w-0 flex-1 overflow-auto rounded-md bg-canvas p-3 font-mono text-xs leading-5"
      >
        {text}
      </pre>
      <Button onClick={copy} aria-live="polite">
        {copied ? "Copied" : label}
      </Button>
    </div>
  );
}
