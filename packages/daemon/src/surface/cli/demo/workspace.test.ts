import { mkdir, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { useScratch } from "../../../kernel/conformance/scratch.ts";
import { projectRoot } from "./workspace.ts";

const scratch = useScratch();

test("the demo copies its own checkout, and never the project that it is installed in", async () => {
  const [own, installed] = [scratch("packages/daemon"), scratch("node_modules/kheish")];
  for (const folder of [own, installed]) await mkdir(folder, { recursive: true });
  expect(projectRoot(own)).toBe(own);
  await writeFile(scratch("package-lock.json"), "{}");
  expect(projectRoot(own)).toBe(scratch("."));
  expect(projectRoot(installed)).toBe(installed);
});
