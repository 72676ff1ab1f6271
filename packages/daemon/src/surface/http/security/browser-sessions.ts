import type { Behind, Presented } from "../../../features/browser-sessions/index.ts";

/** Where operators who stay signed in on a browser are kept. */
export interface BrowserSessions {
  /** The token behind what a browser presents; undefined where it is signed in no more. */
  behind(presented: Presented): Promise<Behind | undefined>;
}

/** A daemon that every page has to show a token. */
export const NO_BROWSER_SESSIONS: BrowserSessions = { behind: async () => undefined };
