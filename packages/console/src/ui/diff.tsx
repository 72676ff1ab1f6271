import { diffLines } from "./diff-lines.ts";
import { Visible } from "./visible.tsx";

const LOOKS = {
  same: "text-soft",
  added: "bg-good/12 text-ink",
  removed: "bg-bad/12 text-ink",
};
const SIGNS = { same: " ", added: "+", removed: "-" };
const SPOKEN = { same: "", added: "added: ", removed: "removed: " };

/** A change of a text as lines that go and lines that come. */
export function Diff({ path, before, after }: { path: string; before: string; after: string }) {
  const lines = diffLines(before, after);
  return (
    <figure className="overflow-hidden rounded-md border border-line">
      <figcaption className="border-b border-line bg-canvas px-3 py-1.5 font-mono text-xs wrap-anywhere">
        <Visible text={path} />
      </figcaption>
      <section
        aria-label={`Changes of ${path}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="max-h-96 overflow-auto print:max-h-none font-mono text-xs leading-5"
      >
        {lines.map((line, at) =>
          "skipped" in line ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
            <p key={at} className="bg-canvas px-3 text-soft">
              {line.skipped} unchanged {line.skipped === 1 ? "line" : "lines"}
            </p>
          ) : (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
            <p key={at} data-diff={line.kind} className={`flex px-1 ${LOOKS[line.kind]}`}>
              <span aria-hidden="true" className="w-5 shrink-0 text-center select-none">
                {SIGNS[line.kind]}
              </span>
              <span className="sr-only">{SPOKEN[line.kind]}</span>
              <span className="min-w-0 whitespace-pre-wrap wrap-anywhere">
                <Visible text={line.text} />
              </span>
            </p>
          ),
        )}
        {lines.length === 0 && <p className="px-3 py-1 text-soft">The same text.</p>}
      </section>
    </figure>
  );
}
