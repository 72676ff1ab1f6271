import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { systemErrorCode, ToolFailure } from "../failure.ts";
import { DESCRIPTORS } from "./descriptors.ts";

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * A directory held open, so that what is done through `at` happens in that very directory,
 * wherever its path leads by now. Without descriptor paths `at` is the path as it was checked.
 */
export class HeldDirectory {
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async open(path: string): Promise<HeldDirectory> {
    return new HeldDirectory(path, await open(path, FLAGS));
  }

  at(name: string): string {
    return DESCRIPTORS === undefined ? `${this.#path}/${name}` : `${DESCRIPTORS}/${this.#handle.fd}/${name}`;
  }

  /** Makes entries created, renamed or removed here survive a power cut. */
  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** The named directory in this one; never through a link. */
  async child(name: string): Promise<HeldDirectory> {
    return HeldDirectory.open(this.at(name));
  }

  async createChild(name: string): Promise<void> {
    await mkdir(this.at(name)).catch((error: unknown) => {
      if (systemErrorCode(error) !== "EEXIST") throw error;
    });
    await this.sync();
  }
}

/** Holds the directory below `root` that `names` lead to, component by component, following no link (03-R10). */
export async function holdDirectory(
  root: string,
  names: readonly string[],
  missing: "create" | "refuse",
): Promise<HeldDirectory> {
  let held = await HeldDirectory.open(root);
  for (const [index, name] of names.entries()) {
    const parent = held;
    try {
      held = await enter(parent, name, missing);
    } catch (error) {
      throw notEntered(error, names.slice(0, index + 1).join("/"));
    } finally {
      await parent.close();
    }
  }
  return held;
}

async function enter(
  parent: HeldDirectory,
  name: string,
  missing: "create" | "refuse",
): Promise<HeldDirectory> {
  try {
    return await parent.child(name);
  } catch (error) {
    if (missing === "refuse" || systemErrorCode(error) !== "ENOENT") throw error;
    await parent.createChild(name);
    return parent.child(name);
  }
}

/** A link opened as a directory without following it answers ENOTDIR or ELOOP, depending on the system. */
function notEntered(error: unknown, path: string): unknown {
  const code = systemErrorCode(error);
  return code === "ENOTDIR" || code === "ELOOP"
    ? new ToolFailure(`'${path}' is not a directory; writes do not go through symbolic links`)
    : error;
}
