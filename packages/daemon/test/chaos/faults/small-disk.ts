import { execFile } from "node:child_process";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const SIZE_MB = 96;
/** Coarse first, then down to the last page. */
const CHUNKS = [1_048_576, 4_096];

/** Thrown where a small file system cannot be had. */
export class CannotMount extends Error {
  constructor(cause: unknown) {
    super(
      "disk-full needs to mount a small file system (tmpfs on Linux, as root), which is not possible here",
      {
        cause,
      },
    );
    this.name = "CannotMount";
  }
}

/** A file system that is easily filled. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  private constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, "ballast");
  }

  /** `path` is an empty folder. */
  static async mount(path: string): Promise<SmallDisk> {
    try {
      await run("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MB}m`, "tmpfs", path]);
      return new SmallDisk(path);
    } catch (error) {
      throw new CannotMount(error);
    }
  }

  /** Not a byte is left. */
  async fill(): Promise<void> {
    const file = await open(this.#ballast, "a");
    try {
      for (const bytes of CHUNKS) await appendUntilFull(file, Buffer.alloc(bytes));
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  /** At once for everybody who looks, and for good when the last one who still writes has let go. */
  async unmount(): Promise<void> {
    await run("umount", ["-l", this.path]);
  }
}

async function appendUntilFull(file: Awaited<ReturnType<typeof open>>, chunk: Buffer): Promise<void> {
  try {
    for (;;) await file.appendFile(chunk);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}
