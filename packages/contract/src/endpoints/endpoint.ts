import type { z } from "zod";
import type { Verb } from "../tokens.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
/** Who may call: nobody asked, any token of the daemon whatever it covers, a read-only token, an admin token. */
export type Access = "none" | "known" | "read" | "admin";

export interface Endpoint {
  readonly method: Method;
  /** `/v1/sessions/{session_id}`: each parameter is one percent-encoded segment, `{*path}` at the end all that follow. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly access: Access;
  /** What a named token needs, where it is not what `verbOf` derives. */
  readonly verb?: Verb;
  /** Where the caller may name one item of a list, the resource that the request is about then; see `resourcesOf`. */
  readonly narrowed?: readonly { from: "query" | "body"; field: string; resource: string }[];
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** What the OpenAPI document shows for `body`, where the service reads it and refuses it with codes of its own. */
  readonly shownBody?: z.ZodType;
  /** A request without a body is `{}`. */
  readonly bodyOptional?: boolean;
  /** `large`: may carry whole files, up to `serve --max-body-bytes`; every other body is at most `SMALL_BODY_BYTES`. */
  readonly bodySize?: "large";
  readonly responses: Readonly<Record<number, z.ZodType>>;
  readonly kind?: "json" | "sse" | "text" | "binary";
  /** The type of a `text` or `binary` answer, when it is not plain text or bytes. */
  readonly mediaType?: string;
  /** The header `Idempotency-Key` is honoured. */
  readonly idempotent?: boolean;
  /** The header `If-Match` is honoured. */
  readonly conditional?: boolean;
}

/** Room for any setting, schema or decision; only bodies with files in them are larger. */
export const SMALL_BODY_BYTES = 1024 * 1024;
