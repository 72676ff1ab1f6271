import type { Json } from "@kheish/sdk";

export interface Place {
  baseUrl: string;
  sessionId: string;
  /** Whether the daemon asks for a token. */
  needsToken: boolean;
  /** Its id. */
  route?: string | undefined;
  /** What the session's input contract wants; absent: text. */
  payload?: Json;
}

export const PROMPT = "What is new?";

/** Where work for the session is sent. In it is nothing that a string of any language would have to escape. */
export function runsPath({ sessionId }: Place): string {
  return `/v1/sessions/${encodeURIComponent(sessionId)}/runs`;
}

/** What is asked, as the session takes it. */
export function contentOf({ payload }: Place): string {
  return payload === undefined ? PROMPT : JSON.stringify(payload, undefined, 2);
}

/** What names the route, behind a body's content: all of these languages write such a pair alike. */
export function routeField({ route }: Place): string {
  return route === undefined ? "" : `, "provider": ${JSON.stringify(route)}`;
}
