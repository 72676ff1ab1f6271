import { z } from "zod";
import { Millis } from "./json.ts";
import { Verb } from "./tokens.ts";

/** Who the daemon takes the caller for, and what it lets this caller do (02-A7). */
export const WhoAmI = z
  .object({
    principal: z.string().describe("as recorded with decisions and changes"),
    auth: z.enum(["off", "token"]).describe("`off`: nobody is asked who they are"),
    verbs: z.array(Verb),
    resources: z.array(z.string()).describe("globs of paths behind /v1/; `*` is everything"),
    token_id: z.string().optional().describe("of a named token"),
    expires_at_ms: Millis.optional().describe("absent: until it is revoked"),
  })
  .meta({ id: "WhoAmI" });
export type WhoAmI = z.infer<typeof WhoAmI>;
