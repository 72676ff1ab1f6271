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

export interface DemoCopy extends DemoPlace {
  /** What the workspace is a copy of. */
  origin: string;
}

/** A fresh state root beside a copy of the project's own checkout; the demo never touches the original. */
export async function makePlace(): Promise<DemoCopy> {
  const directory = await mkdtemp(join(tmpdir(), "kheish-demo-"));
  const workspace = join(directory, "workspace");
  const origin = projectRoot(dirname(fileURLToPath(MANIFEST)));
  await cp(origin, workspace, {
    recursive: true,
    filter: (path) => !LEFT_OUT.has(basename(path)),
  });
  return {
    directory,
    origin,
    workspace,
    stateRoot: join(directory, "state"),
    log: join(directory, "daemon.log"),
  };
}

/** The checkout that the package is a part of; else the installed package alone: what lies around that is somebody's. */
export function projectRoot(installed: string): string {
  const checkout = join(installed, "..", "..");
  const isPart =
    basename(dirname(installed)) === "packages" && existsSync(join(checkout, "package-lock.json"));
  return isPart ? checkout : installed;
}
