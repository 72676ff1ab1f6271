import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { round } from "../support/measure.ts";

export interface Footprint {
  mb: number;
  packages: number;
  /** Packages that would run a script of their own when they are installed. */
  install_scripts: number;
  /** Of those, the ones that would compile. */
  native_builds: number;
  install_seconds?: number;
}

interface Manifest {
  scripts?: Record<string, string>;
}

/** What lies in a folder's `node_modules`. */
export function footprint(folder: string): Footprint {
  const modules = join(folder, "node_modules");
  const found = [...packagesIn(modules)];
  const scripted = found.filter(hasInstallScript);
  return {
    mb: round(bytesIn(modules) / 1e6),
    packages: found.length,
    install_scripts: scripted.length,
    native_builds: found.filter((path) => existsSync(join(path, "binding.gyp"))).length,
  };
}

/** Folders that npm installed, also below one another. */
function* packagesIn(modules: string): Generator<string> {
  if (!existsSync(modules)) return;
  for (const entry of readdirSync(modules, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
    const path = join(modules, entry.name);
    if (entry.name.startsWith("@")) {
      yield* packagesIn(path);
      continue;
    }
    yield path;
    yield* packagesIn(join(path, "node_modules"));
  }
}

function hasInstallScript(path: string): boolean {
  const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;
  return ["preinstall", "install", "postinstall"].some((name) => manifest.scripts?.[name] !== undefined);
}

function bytesIn(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0);
}
