import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type PeerName = "restate" | "dbos" | "langgraph";

export interface Peer {
  folder: string;
  /** Its direct dependencies, as they are pinned. */
  versions: Record<string, string>;
}

/** Installs a peer into its own folder, once for each set of pins; its install scripts are not run. */
export function installPeer(name: PeerName): Peer {
  const folder = fileURLToPath(new URL(`${name}/`, import.meta.url));
  const manifest = readFileSync(join(folder, "package.json"), "utf8");
  const stamp = join(folder, "node_modules", ".kheish-installed");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== manifest) {
    npmInstall(folder);
    writeFileSync(stamp, manifest);
  }
  return {
    folder,
    versions: (JSON.parse(manifest) as { dependencies: Record<string, string> }).dependencies,
  };
}

/** What `npm install` of the given packages, or of the folder's own manifest, leaves in a folder. */
export function npmInstall(folder: string, ...packages: string[]): void {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const flags = ["--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
  const done = spawnSync(npm, ["install", ...flags, ...packages], {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (done.status !== 0) throw new Error(`npm install failed: ${done.stderr.trim().slice(-400)}`);
}
