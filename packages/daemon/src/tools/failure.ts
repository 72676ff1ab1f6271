import type { JsonObject } from "@kheish/contract";

/** A tool's refusal in words a model can act on. It becomes an error result, never an exception of the port. */
export class ToolFailure extends Error {
  readonly details: JsonObject;

  constructor(message: string, details: JsonObject = {}) {
    super(message);
    this.name = "ToolFailure";
    this.details = details;
  }
}

const systemReasons: Record<string, string> = {
  EACCES: "permission denied",
  EDQUOT: "the disk quota is used up",
  EEXIST: "it exists already",
  EFBIG: "the file would be too large for the file system",
  EISDIR: "it is a directory",
  ELOOP: "it is a symbolic link",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the name is too long",
  ENFILE: "too many open files",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "a part of the path is not a directory",
  ENXIO: "it is not a regular file",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
};

/** The errno name of a system error, or undefined when `error` is something else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What the system refused, without the host's path that its own message holds; undefined for any other error. */
export function systemReason(error: unknown): string | undefined {
  const code = systemErrorCode(error);
  if (code === undefined) return undefined;
  const reason = systemReasons[code];
  return reason === undefined ? code : `${reason} (${code})`;
}

/** Runs `act`; a system error becomes a failure that names the workspace path it is about. */
export async function about<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const reason = systemReason(error);
    throw reason === undefined ? error : new ToolFailure(`'${path}': ${reason}`);
  }
}
