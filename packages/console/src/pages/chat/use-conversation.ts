import { kheish } from "../../app/client.ts";
import { useFolded } from "../../app/use-folded.ts";
import { afterAll, EMPTY } from "./conversation.ts";

/** From the session's first event on, live; the daemon may go and come back meanwhile. */
export function useConversation(sessionId: string) {
  return useFolded(
    sessionId,
    (cursor, signal) => kheish().sessions.stream(sessionId, { cursor, signal }),
    EMPTY,
    afterAll,
  );
}
