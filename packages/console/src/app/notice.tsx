import { useSyncExternalStore } from "react";
import { Button } from "../ui/parts.tsx";

/** What the operator should hear though its place on the page is gone. The newest replaces the one before. */
let notice: string | undefined;
const listeners = new Set<() => void>();

export function announce(text: string | undefined): void {
  notice = text;
  for (const listener of listeners) listener();
}

export function Notice() {
  const text = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notice,
  );
  return (
    <div role="status">
      {text !== undefined && (
        <p className="mb-4 flex items-center justify-between gap-3 rounded-md border border-wait p-3 text-wait">
          {text}
          <Button onClick={() => announce(undefined)}>Dismiss</Button>
        </p>
      )}
    </div>
  );
}
