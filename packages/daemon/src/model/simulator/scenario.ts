import type { Conversation } from "./conversation.ts";
import type { Turn } from "./turn.ts";

/** Everything a scenario may look at: the same context gives the same turn, always (09-S6). */
export interface SceneContext {
  conversation: Conversation;
  run_id: string;
  session_id: string;
}

/** What to play at `context.conversation.turn`; undefined past the last turn. */
export type Scenario = (context: SceneContext) => Turn | undefined;
