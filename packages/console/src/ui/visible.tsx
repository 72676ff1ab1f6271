import { pieces } from "./pieces.ts";

/** A name that somebody chose: besides, it does not turn what stands around it. */
export function VisibleName({ name }: { name: string }) {
  return (
    <bdi>
      <Visible text={name} />
    </bdi>
  );
}

/**
 * A text in which nothing hides: characters without a look have their number, and turn nothing that stands behind them.
 * Who copies it has the text as it is.
 */
export function Visible({ text }: { text: string }) {
  return pieces(text).map(({ text: piece, hidden }, at) =>
    hidden === undefined ? (
      piece
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other identity
      <span key={at} className="[unicode-bidi:isolate]">
        <span
          data-hidden={hidden}
          role="img"
          aria-label={hidden}
          className="mx-px rounded bg-wait/20 px-0.5 text-[0.85em] text-wait before:content-[attr(data-hidden)]"
        >
          {piece}
        </span>
      </span>
    ),
  );
}
