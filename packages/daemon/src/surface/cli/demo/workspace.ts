import { existsSync } from "node:fs";
import { cp, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MANIFEST } from "../../../kernel/package.ts";

/** Not worth a tour, and large. */
const LEFT_OUT = new Set(["node_modules", ".git", "dist", ".kheish-daemon", "coverage"]);

export interface DemoPlace {
  directory: string;
  workspace: string;
  stateRoot: string;
  log: string;
}

/** A fresh state root beside a copy of the project's own checkout; the demo never touches the original. */
export async function makePlace(): Promise<DemoPlace> {
  const directory = await mkdtemp(join(tmpdir(), "kheish-demo-"));
  const workspace = join(directory, "workspace");
  await cp(projectRoot(), workspace, {
    recursive: true,
    filter: (path) => !LEFT_OUT.has(basename(path)),
  });
  return { directory, workspace, stateRoot: join(directory, "state"), log: join(directory, "daemon.log") };
}

/** The checkout around this file; the installed package where there is none. */
function projectRoot(): string {
  const installed = dirname(fileURLToPath(MANIFEST));
  for (let folder = installed; dirname(folder) !== folder; folder = dirname(folder))
    if (existsSync(join(folder, "package-lock.json"))) return folder;
  return installed;
}
