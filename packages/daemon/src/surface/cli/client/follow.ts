import type { CliClock } from "../context.ts";
import { CliError, messageOf } from "../errors.ts";
import { connectStream, type StreamFrame, type StreamSource, type StreamTiming } from "./connection.ts";
import { isTransient } from "./errors.ts";

/** What a follower sees: the frames, and that the connection was lost and found again. */
export type StreamItem =
  | { readonly kind: "frame"; readonly frame: StreamFrame }
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "reconnected" };

export type { StreamFrame } from "./connection.ts";

export interface FollowOptions {
  /** The frame after which the daemon is expected to close; without it every close is a loss. */
  readonly isLast?: (frame: StreamFrame) => boolean;
  readonly signal?: AbortSignal;
  readonly timing?: Partial<FollowTiming>;
}

export interface FollowTiming extends StreamTiming {
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** How long a daemon may stay away before the follower gives up. */
  readonly graceMs: number;
}

const defaultTiming: FollowTiming = {
  firstFrameMs: 12_000,
  idleMs: 35_000,
  firstDelayMs: 250,
  longestDelayMs: 5_000,
  graceMs: 300_000,
};

/**
 * Follows a stream across broken connections and restarts of the daemon, resuming after the last event id.
 * The first connection must succeed: a wrong address or a refusal is the user's to know at once.
 */
export async function* follow(
  source: StreamSource & { readonly clock: CliClock },
  options: FollowOptions = {},
): AsyncGenerator<StreamItem, void> {
  const timing = { ...defaultTiming, ...options.timing };
  const { signal } = options;
  let lastEventId: string | undefined;
  let state: "connecting" | "connected" | "lost" = "connecting";
  let loss: Loss | undefined;
  for (;;) {
    try {
      for await (const frame of connectStream(source, timing, { lastEventId, signal })) {
        if (state === "lost") {
          state = "connected";
          yield { kind: "reconnected" };
        }
        if (frame === "open") continue;
        state = "connected";
        // Only a frame proves that the daemon is back: one that accepts and closes must not be hammered.
        loss = undefined;
        lastEventId = frame.id ?? lastEventId;
        yield { kind: "frame", frame };
        if (options.isLast?.(frame)) return;
      }
      throw new StreamClosed();
    } catch (error) {
      if (signal?.aborted) return;
      if (state === "connecting" || !isLoss(error)) throw error;
      if (state === "connected") yield { kind: "lost", reason: messageOf(error) };
      state = "lost";
      const now = source.clock.now();
      loss = { since: loss?.since ?? now, delayMs: nextDelay(loss, timing) };
      if (now - loss.since >= timing.graceMs) throw error;
    }
    await source.clock.sleep(loss.delayMs, signal);
  }
}

/** How long the daemon has been away, and how patient the next attempt is. */
interface Loss {
  readonly since: number;
  readonly delayMs: number;
}

function nextDelay(loss: Loss | undefined, timing: FollowTiming): number {
  return loss === undefined ? timing.firstDelayMs : Math.min(loss.delayMs * 2, timing.longestDelayMs);
}

class StreamClosed extends CliError {
  constructor() {
    super("the daemon closed the stream");
  }
}

function isLoss(error: unknown): boolean {
  return error instanceof StreamClosed || isTransient(error);
}
