import { z } from "zod";
import { Millis } from "./json.ts";

/**
 * What a named token may do with its resources. None includes another: a token that submits work and may not look
 * at it has `write` alone. `read`: what the read-only token sees. `write`: give and steer work, decide, answer.
 * `admin`: the daemon's settings and secrets, debug evidence, the authority of sessions.
 */
export const Verb = z.enum(["read", "write", "admin"]);
export type Verb = z.infer<typeof Verb>;

/** The last characters of a request's principal, `token:<name>`, so it is short and needs no quoting anywhere. */
export const TokenName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    "1 to 64 letters, digits, '.', '_' or '-', a letter or digit first",
  );

/** One character of a segment as `encodeSegment` writes it: a pattern that could never match is refused. */
const CHARACTER =
  "(?:[A-Za-z0-9._!~'()*-]|%(?!2[1789DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])[0-9A-F]{2})";

/** A resource and all below it: the path behind `/v1/`, where `*` stands for any characters of one segment. */
export const ResourceGlob = z
  .string()
  .max(512)
  .regex(
    new RegExp(`^${CHARACTER}+(?:/${CHARACTER}+)*$`),
    "must be like 'sessions/team-a-*': a path behind /v1/, no slash at its ends, percent-encoded as in a URL",
  )
  .meta({ id: "ResourceGlob" });

export const CreateTokenRequest = z
  .strictObject({
    name: TokenName,
    verbs: z.array(Verb).min(1).max(8),
    resources: z.array(ResourceGlob).min(1).max(64),
    expires_in_ms: z.int().positive().optional().describe("from now on, by the daemon's clock"),
    expires_at_ms: Millis.optional().describe("instead of expires_in_ms"),
  })
  .meta({ id: "CreateTokenRequest" });
export type CreateTokenRequest = z.infer<typeof CreateTokenRequest>;

/** A named token as every read shows it (02-A7). Its secret was in the answer to its creation only. */
export const TokenView = z
  .object({
    token_id: z.string(),
    name: z.string(),
    verbs: z.array(Verb),
    resources: z.array(z.string()),
    created_at_ms: Millis,
    created_by: z.string().describe("the principal that created it"),
    expires_at_ms: Millis.optional(),
    last_used_at_ms: Millis.optional().describe("up to a minute late"),
  })
  .meta({ id: "TokenView" });
export type TokenView = z.infer<typeof TokenView>;

export const CreatedToken = TokenView.extend({
  secret: z.string().describe("the token itself; it is kept as a digest and never shown again"),
}).meta({ id: "CreatedToken" });
export type CreatedToken = z.infer<typeof CreatedToken>;

export const RevokedTokens = z
  .object({
    accepted: z.literal(true),
    revoked: z.array(z.string()).describe("ids of the token and of all that were created with it"),
  })
  .meta({ id: "RevokedTokens" });
export type RevokedTokens = z.infer<typeof RevokedTokens>;
