import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";

/** Gives every test of the calling suite a directory of its own, kept when the test failed. */
export function useScratch(): (name: string) => string {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "kheish-kernel-"));
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") await rm(directory, { recursive: true });
  });
  return (name) => join(directory, name);
}
