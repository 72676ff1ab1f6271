import { fileFailure } from "../../kernel/errno.ts";
import { messageOf } from "./errors.ts";

/** Why a file that the command line names cannot be read, in words; `path` as it was given. */
export function cannotRead(path: string, error: unknown): string {
  return `cannot read '${path}': ${reason(error)}`;
}

export function cannotWrite(path: string, error: unknown): string {
  return `cannot write '${path}': ${reason(error)}`;
}

function reason(error: unknown): string {
  return fileFailure(error) ?? messageOf(error);
}
