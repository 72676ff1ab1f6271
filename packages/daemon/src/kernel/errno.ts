import { StoreError } from "./store.ts";

/** The code of a failed system call, such as `ENOENT`; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Whether there was no room left for what was to be written. */
export function isDiskFull(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === "ENOSPC" || errno === "EDQUOT";
}

/** A failed system call on the file system, as the kernel says it; anything else stays what it is. */
export function asFileError(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (error instanceof StoreError || errno === undefined) return error;
  const code = isDiskFull(error) ? "full" : "unavailable";
  return new StoreError(code, `${path} cannot be used: ${errno}`, { cause: error });
}
