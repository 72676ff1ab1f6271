import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { pathToFileURL } from "node:url";

/** The manifest of this package, however deep in it this code ended up when it was built. */
export const MANIFEST = pathToFileURL(findPackageJSON("..", import.meta.url) ?? "package.json");

/** The version in the manifest; read as a file so that `--help` need not load the contract. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(MANIFEST, "utf8")) as { version: string }).version;
}

/** A file of this package, by its path from the package's root. */
export function packageFile(path: string): URL {
  return new URL(path, MANIFEST);
}

/** A module that runs as a program of its own, by its path below `src`: its source, or what was built of it. */
export function programFile(module: string): URL {
  return import.meta.url.endsWith(".ts") ? packageFile(`src/${module}.ts`) : packageFile(`dist/${module}.js`);
}
