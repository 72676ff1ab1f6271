import { Card } from "../../ui/parts.tsx";
import type { Line } from "../chat/conversation.ts";

/** Every tool call of the bench, the newest first. */
export function CallLog({ lines }: { lines: readonly Line[] }) {
  const calls = lines.flatMap((line) => (line.who === "tool" ? line : [])).toReversed();
  return (
    <Card className="grid grid-cols-1 gap-2">
      <h2 className="font-semibold">Tool calls</h2>
      {calls.length === 0 ? (
        <p className="text-soft">None yet.</p>
      ) : (
        <ol
          aria-label="Tool calls"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          className="grid max-h-64 grid-cols-1 gap-1 overflow-auto font-mono text-xs"
        >
          {calls.map(({ key, name, state, failed, input }) => (
            <li key={key} className="flex gap-2">
              <span className="font-semibold">{name}</span>
              <span className="min-w-0 flex-1 truncate text-soft">{JSON.stringify(input)}</span>
              <span className={failed ? "text-bad" : "text-soft"}>{failed ? "failed" : state}</span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
