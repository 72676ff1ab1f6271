import type { EventStream, StreamFrame } from "@kheish/sdk";
import { useEffect, useState } from "react";
import { whileVisible } from "./while-visible.ts";

/** Frames come in bursts, thousands at once from a journal: the page is drawn this often at most. */
const DRAW_MS = 50;

/**
 * What a stream has told from its start on, folded; live until it ends. `fold` takes all frames since it was last called.
 * `key` names the stream: another one begins anew.
 */
export function useFolded<State>(
  key: string,
  open: (cursor: string, signal: AbortSignal) => EventStream,
  initial: State,
  fold: (state: State, frames: readonly StreamFrame[]) => State,
): { state: State; error: unknown } {
  const [told, setTold] = useState<{ key: string; state: State; error?: unknown }>({ key, state: initial });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for all that the stream depends on
  useEffect(() => {
    const leaving = new AbortController();
    let waiting: StreamFrame[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    setTold({ key, state: initial });
    const draw = () => {
      timer = undefined;
      const frames = waiting;
      waiting = [];
      setTold(({ state }) => ({ key, state: fold(state, frames) }));
    };
    const follow = async () => {
      const { signal } = leaving;
      for await (const frame of whileVisible(signal, (cursor = "start") => open(cursor, signal))) {
        waiting.push(frame);
        timer ??= setTimeout(draw, DRAW_MS);
      }
    };
    follow().catch((error: unknown) => {
      if (!leaving.signal.aborted) setTold((before) => ({ ...before, error }));
    });
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [key]);
  return told.key === key ? { state: told.state, error: told.error } : { state: initial, error: undefined };
}
