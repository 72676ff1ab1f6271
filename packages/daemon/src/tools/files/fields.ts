import { z } from "zod";

/** Input fields that several file tools share. */
export const path = z
  .string()
  .min(1)
  .describe("Path of the file, relative to the workspace root. It may not leave the workspace.");

export const sha256 = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, "expected 64 hexadecimal digits")
  .overwrite((digest) => digest.toLowerCase());

/** Text that UTF-8 can hold: half of a surrogate pair would be stored as something else. */
export const text = z
  .string()
  .refine((value) => value.isWellFormed(), "holds half of a surrogate pair, which UTF-8 cannot store");

/** One edit of one file: what edit_file takes, and a hunk of apply_patch. */
export const EditInput = z
  .strictObject({
    path,
    old_text: text
      .min(1, "must not be empty; use write_file to create or fill a file")
      .describe("The exact text to replace, white space and line ends included."),
    new_text: text.describe("The text to put in its place; empty deletes."),
    replace_all: z
      .boolean()
      .default(false)
      .describe("Replace every occurrence. Otherwise old_text must occur exactly once."),
    expected_sha256: sha256
      .optional()
      .describe("Edit only if the file's content has this SHA-256 now, as read_file reported it."),
  })
  .refine((input) => input.old_text !== input.new_text, {
    error: "'old_text' and 'new_text' are the same, so nothing would change",
  });
export type EditInput = z.output<typeof EditInput>;
