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
