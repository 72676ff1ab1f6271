import { useState } from "react";

export interface Untouched<T> {
  shown: T;
  /** Somebody has typed. */
  touch: () => void;
  /** Gives up what was typed. */
  release: () => void;
}

/**
 * What a form begins with: what there is now, and from the first letter on what there was then, so that nothing typed is
 * taken away. What somebody else changes meanwhile shows when it is sent with the revision that it began with.
 */
export function useUntouched<T>(now: T): Untouched<T> {
  const [began, setBegan] = useState<{ with: T }>();
  return {
    shown: began === undefined ? now : began.with,
    touch: () => setBegan((before) => before ?? { with: now }),
    release: () => setBegan(undefined),
  };
}
