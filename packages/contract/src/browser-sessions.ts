import { z } from "zod";
import { Millis } from "./json.ts";

/** Names a browser session in requests, and proves that the page itself sends them: no other page has the key. */
export const BROWSER_SESSION_HEADER = "x-kheish-browser-session";

/** What a page gets for its token, beside an HttpOnly cookie: neither is of any use without the other. */
export const BrowserSession = z
  .object({
    principal: z.string(),
    key: z
      .string()
      .describe(`sent as \`${BROWSER_SESSION_HEADER}\` with every request, in the place of the token`),
    expires_at_ms: Millis,
  })
  .meta({ id: "BrowserSession" });
export type BrowserSession = z.infer<typeof BrowserSession>;
