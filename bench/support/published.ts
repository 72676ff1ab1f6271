import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The command as an installation has it. */
export const BIN = fileURLToPath(new URL("../../dist/daemon/bin/kheish.js", import.meta.url));

/** Builds the packages: what is measured is what is published. */
export function build(): void {
  const done = spawnSync("npm", ["run", "build"], { cwd: ROOT, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`npm run build: ${done.stderr}${done.stdout}`.slice(0, 600));
}
