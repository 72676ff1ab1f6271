import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { cannotRead } from "../file-failure.ts";

/** A file the command line names, relative to where the command was started. */
export async function readNamedFile(path: string, context: CliContext): Promise<Buffer> {
  try {
    return await readFile(resolve(context.workingDirectory, path));
  } catch (error) {
    throw new UsageError(cannotRead(path, error));
  }
}

export async function readTextFile(path: string, context: CliContext): Promise<string> {
  return (await readNamedFile(path, context)).toString("utf8");
}
