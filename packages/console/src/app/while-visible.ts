import type { EventStream, StreamFrame } from "@kheish/sdk";

/**
 * A stream that is let go of while nobody sees the page, and goes on behind its last event when somebody does. Browsers
 * open six connections to a daemon, for all tabs together: a forgotten tab must not hold one, unless it `stays`.
 */
export async function* whileVisible(
  signal: AbortSignal,
  open: (cursor: string | undefined) => EventStream,
  stays: () => boolean = () => false,
): AsyncGenerator<StreamFrame, void> {
  let cursor: string | undefined;
  for (;;) {
    if (!stays()) await visible(signal);
    const stream = open(cursor);
    const look = () => {
      if (document.hidden && !stays()) stream.close();
    };
    document.addEventListener("visibilitychange", look);
    let wasHidden = false;
    try {
      yield* stream;
      wasHidden = document.hidden && !stays();
    } finally {
      document.removeEventListener("visibilitychange", look);
    }
    if (!wasHidden) return;
    cursor = stream.cursor ?? cursor;
  }
}

function visible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", settle);
      signal.removeEventListener("abort", settle);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    document.addEventListener("visibilitychange", settle);
    signal.addEventListener("abort", settle);
    settle();
  });
}
