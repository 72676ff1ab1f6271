import { z } from "zod";

const MAX_PATTERNS = 64;
const pattern = z.string().min(1).max(512);

/** An exact tool name, `prefix*`, or `*`. */
export const ToolNamePattern = z
  .string()
  .max(256)
  .regex(/^(?:[^*]+\*?|\*)$/, "must be a tool's name, with at most one `*`, at its end")
  .describe("an exact name, `prefix*`, or `*`");

/**
 * What a rule wants of a call's input (03-A7); of the members that are given, all must hold. For an `allow`, everything
 * that the call touches must fit; for a `deny` or `ask`, anything that fits or may fit is enough.
 */
export const RuleMatch = z
  .strictObject({
    path: z
      .array(pattern)
      .min(1)
      .max(MAX_PATTERNS)
      .optional()
      .describe(
        "globs relative to the workspace: `*` within a segment, `**` over segments, `?` one character",
      ),
    command: z
      .array(
        z.strictObject({
          argv: z
            .array(pattern)
            .min(1)
            .max(MAX_PATTERNS)
            .describe("one pattern a word, `*` for any characters; the element `**` for any further words"),
        }),
      )
      .min(1)
      .max(MAX_PATTERNS)
      .optional()
      .describe("of the shell: every command of a pipeline, list or substitution by itself"),
    host: z
      .array(pattern)
      .min(1)
      .max(MAX_PATTERNS)
      .optional()
      .describe("host names, `*` for any characters: `*.example.com`"),
  })
  .refine(({ path, command, host }) => path ?? command ?? host, {
    error: "must hold at least one of path, command and host",
  })
  .meta({ id: "RuleMatch", minProperties: 1 });
export type RuleMatch = z.infer<typeof RuleMatch>;
